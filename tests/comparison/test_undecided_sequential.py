"""Which comparisons a sequential suite still adds seeds for: what is neither shown nor futile."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.comparison.look import Look
from harness.comparison.sequential import is_futile, undecided
from harness.comparison.statistics import Evidence, difference


def drawn(rng, scores, examples=400):
    """Runs with such shares right of examples which they agree on by half."""
    right = rng.random(examples) < np.array(scores)[:, None]
    return Evidence(right.mean(axis=1), (right - right.mean(axis=1)[:, None]) / examples)


def at_the_limit(scores):
    """Evidence just below and just above 0.98 standard errors of the last look, and what it is compared with."""
    rng = np.random.default_rng(0)
    ours, theirs = drawn(rng, [0.7, 0.8, 0.9]), drawn(rng, scores)
    found = difference(ours, theirs)
    averaged = ours.contributions.mean(axis=0) - theirs.contributions.mean(axis=0)
    examples = (averaged**2).sum() * 400 / 399
    last = np.sqrt(examples + (found.standard_error**2 - examples) * max(3, len(scores)) / 10)
    shift = 0.98 * last - found.value
    return *(Evidence(ours.scores + shift + step, ours.contributions) for step in (-1e-6, 1e-6)), theirs


@pytest.mark.parametrize("scores", [[0.6, 0.7, 0.8], [0.6, 0.7, 0.8, 0.75]])
def test_futile_is_less_than_098_standard_errors_of_the_last_look(scores):
    near, far, theirs = at_the_limit(scores)
    assert is_futile(near, theirs, 10)
    assert not is_futile(far, theirs, 10)


def test_undecided_is_what_is_neither_shown_nor_futile_beside_the_baseline():
    near, far, theirs = at_the_limit([0.6, 0.7, 0.8])

    def cell(model, *, compared=True, beaten_by=(), better=None, against="baseline"):
        claimed = None if better is None else SimpleNamespace(against=against, is_significant=better)
        return SimpleNamespace(model=model, is_compared=compared, beaten_by=beaten_by, from_baseline=claimed)

    cells = [
        cell("one seed", compared=False),
        cell("open", better=False),
        cell("better", better=True),
        cell("baseline", beaten_by=("shown elsewhere",)),
        cell("shown elsewhere", better=False, against="another"),
        cell("worse", beaten_by=("baseline",)),
        cell("open, too"),
        cell("futile"),
    ]
    evidence = {one.model: far for one in cells} | {"futile": near, "baseline": theirs}
    look = Look(number=1, looks=(3, 5, 10), seeds=(0, 1, 2), level=0.0151)

    def found(cells=cells, look=look, baseline="baseline", **changed):
        by_model = [SimpleNamespace(model=model, evidence=one) for model, one in {**evidence, **changed}.items()]
        return undecided(SimpleNamespace(look=look, ranked=cells), by_model, baseline)

    assert found() == ("open", "open, too")
    # Without a baseline the others are compared with the best model that is compared at all.
    beside_best = {"open": theirs, "open, too": near}
    assert found(baseline=None, **beside_best) == ("better", "shown elsewhere", "worse")
    assert found(look=None) == found(look=replace(look, number=0)) == found(cells=cells[:1]) == ()


def test_a_difference_that_is_never_tested_asks_for_no_seeds():
    ours = drawn(np.random.default_rng(0), [0.7, 0.8, 0.9])
    unknown = Evidence(np.array([0.1, 0.2, 0.3]), np.zeros((3, 0)))
    assert is_futile(unknown, unknown, 10)
    assert is_futile(ours, unknown, 10)
    assert is_futile(None, ours, 10)


def test_models_whose_runs_all_give_the_same_answer_ask_for_no_seeds():
    right = np.tile(np.arange(100) % 2 == 0, (3, 1))
    constant = Evidence(right.mean(axis=1), (right - 0.5) / 100)
    assert is_futile(constant, constant, 10)
    ahead = Evidence(constant.scores + 0.1, constant.contributions)
    assert not is_futile(ahead, constant, 10)
