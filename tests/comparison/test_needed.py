"""What would tell the leader from the next in the race: seeds or examples, by the noise of the models there are."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from made_comparisons import cell, estimate
from made_comparisons import task as made_task
from made_evidence import guessed

from harness.comparison.look import Look
from harness.comparison.multiplicity import SOLE_BEST
from harness.comparison.needed import Needed
from harness.comparison.power import (
    Design,
    examples_to_detect,
    needed_to_tell,
    recorded_noise,
    seeds_to_detect,
)


def runs_of(*names, seed=1, seeds=3, spread=0.01):
    """Runs of some models, as far as their noise goes: of each so many seeds on 400 examples."""
    rng, ease = np.random.default_rng(seed), np.zeros(400)
    split = SimpleNamespace(examples=400)
    return [SimpleNamespace(model=name, evidence=guessed(rng, 0.8, spread, ease, seeds), split=split) for name in names]


A, B, C = cell("a", estimate(0.90)), cell("b", estimate(0.84)), cell("c", estimate(0.80))
TFIDF = cell("tfidf", estimate(0.84), seeds=1, simple=True)


def test_what_would_tell_the_leader_from_the_next_in_the_race():
    by_model = runs_of("a", "b", "c", "tfidf")
    noise = recorded_noise(by_model, "")

    def expected(rival, gap, *, seeds=3, **design):
        plan = Design(**{"seeds": seeds, "examples": 400, "models": 3, **design})
        more = seeds_to_detect(noise, plan, gap) - seeds, examples_to_detect(noise, plan, gap) - 400
        return Needed("a", rival, *(max(one, 1) for one in more))

    def found(*cells, **changes):
        return needed_to_tell(made_task(*cells, **changes), by_model)

    assert found(C, A, B) == expected("b", 0.06)
    errors = [replace(one, estimate=estimate(value)) for one, value in ((A, 1.0), (B, 1.06), (C, 1.1))]
    assert found(*errors, higher_is_better=False) == expected("b", 0.06)
    look = Look(number=1, looks=(3, 5), seeds=(0, 1, 2), level=0.02)
    assert found(A, B, C, look=look) == expected("b", 0.06, level=0.02)
    # A simple baseline that may be the best is what is to be told apart first, and has no seeds.
    assert found(A, B, TFIDF) == expected("tfidf", 0.06, trained=1)
    assert found(A, replace(TFIDF, beaten_by=("a",)), B, C) == expected("b", 0.06, models=4)
    # Of two that are left of more, the leader is tested as the sole best: at half of the level, as one of two.
    behind = replace(C, beaten_by=("a",))
    assert found(A, B, behind) == expected("b", 0.06, models=2, level=0.05 * SOLE_BEST)
    assert found(A, B) == expected("b", 0.06, models=2)
    assert found(A, B, replace(C, is_compared=False)) == expected("b", 0.06, models=2)
    # The fewer seeds of the two count, and where there are enough of them the answer is one more.
    more = [cell(name, one.estimate, seeds=4) for name, one in (("a", A), ("b", B))]
    assert found(more[0], B, C) == found(A, more[1], C) == expected("b", 0.06)
    assert found(*more, C) == expected("b", 0.06, seeds=4)
    enough = found(replace(A, estimate=estimate(0.99)), cell("b", estimate(0.5)))
    assert (enough.more_seeds, enough.more_examples) == (1, 1)
    little = found(A, replace(B, estimate=estimate(0.8999)))
    assert (little.more_seeds, little.more_examples) == (None, None)


def test_nothing_is_needed_where_nothing_is_left_open_or_known():
    by_model = runs_of("a", "b")
    assert needed_to_tell(made_task(A, replace(B, beaten_by=("a",))), by_model) is None
    assert needed_to_tell(made_task(A, replace(B, estimate=A.estimate)), by_model) is None
    assert needed_to_tell(made_task(TFIDF, replace(TFIDF, model="majority")), by_model) is None
    assert needed_to_tell(made_task(A, B), by_model[:1]) is None
    # A simple baseline that is ahead of every trained model is no rival that more seeds would beat.
    assert needed_to_tell(made_task(replace(TFIDF, estimate=estimate(0.95)), A), by_model) is None


def test_the_noise_is_that_of_eight_models_with_the_pair_among_them():
    others = runs_of(*"stuvwxyz")
    pair = runs_of("a", "b", seed=2, spread=0.1)
    cells = [A, B, *(cell(one.model, estimate(0.5), beaten_by=("a",)) for one in others)]
    found = needed_to_tell(made_task(*cells), [*others, *pair])
    assert found == needed_to_tell(made_task(*cells), [*pair, *others[:6]])
    assert found != needed_to_tell(made_task(*cells), [*pair, *others[:5]])
