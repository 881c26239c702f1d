"""What values of a setting say together, and which comparisons are joined, word for word, of what is made by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_comparisons import cell, estimate, task
from synthetic_runs import record

from harness.comparison.curves import curve_verdict, curves_of
from harness.comparison.look import Look
from harness.comparison.power_law import Reach
from harness.comparison.results import Curves, Run
from harness.comparison.statistics import Evidence
from harness.varied import Varied

A, B = cell("a", estimate(0.9)), cell("b", estimate(0.8))
SIZES = (100, 1000, 2000, 4000)


def varied(value, setting="train_examples"):
    return Varied(task="t", setting=setting, value=value)


def curves(*tasks, setting="train_examples", laws=None):
    sizes = SIZES[: len(tasks)]
    return Curves(sizes=sizes, tasks=tasks, varied=varied(sizes[0], setting), laws=laws or {})


def behind(one, *winners, p=0.001):
    return replace(one, p_behind=dict.fromkeys(winners, p), beaten_by=winners)


def test_who_may_be_the_best_is_told_by_value_and_of_whom_nothing_is_claimed():
    once = cell("once", estimate(0.7), is_compared=False)
    rest = cell("tfidf", estimate(0.6), simple=True, is_compared=False), replace(once, estimate=None)
    untested = [replace(one, is_compared=False) for one in (A, B)]
    clear, open_ = task(A, behind(B, "a"), *rest), task(A, B, rest[0], once, doubts_of_claims=("few",))
    (said,) = curve_verdict(curves(clear, clear, open_, task(*untested, *rest), setting="beams"))
    assert said == (
        "By beams: with 100 and 1,000, a alone may be the best (nothing is claimed about once); with 2,000, a and b "
        "may be the best (nothing is claimed about once) (doubtful: few); with 4,000, nothing is claimed."
    )  # With 100 and 1,000, once has no score; of a model without any, nothing need be said.
    gap = cell("gap", None)
    assert "gap" not in curve_verdict(curves(task(A, gap), task(B, gap), setting="beams"))[0]


def test_models_that_change_places_are_told_from_the_first_value_at_a_level_divided_by_the_values():
    first, last = task(A, behind(B, "a"), doubts_of_claims=("few",)), task(behind(A, "b"), B, doubts_of_claims=("few",))
    once = "b is ahead of a with {}, and behind it with {} (doubtful: few)."
    assert curve_verdict(curves(last, first, setting="beams"))[1:] == (once.format("100", "1,000"),)
    assert curve_verdict(curves(first, last, first, setting="beams"))[1:] == (
        "a is ahead of b with 100 and 2,000, and behind it with 1,000 (doubtful: few).",
    )
    several = once.format("100 and 2,000", "1,000")
    assert curve_verdict(curves(last, first, last, setting="beams"))[1:] == (several,)
    assert len(curve_verdict(curves(first, first, setting="beams"))) == 1
    for p, told in ((0.05 / 2, 1), (0.0249, 2)):
        several = curves(first, task(behind(A, "b", p=p), B), setting="beams")
        assert len(curve_verdict(several)) == told


def test_six_pairs_that_change_places_are_told_and_more_are_counted():
    def verdict(names):
        models = [cell(name, estimate(0.9)) for name in names]
        ascending = [behind(one, *names[:place]) for place, one in enumerate(models)]
        descending = [behind(one, *names[place + 1 :]) for place, one in enumerate(models)]
        return curve_verdict(curves(task(*ascending), task(*descending), setting="beams"))[1:]

    assert len(verdict("abcd")) == 6
    assert verdict("abcd")[5] == "c is ahead of d with 100, and behind it with 1,000."
    assert verdict("abcde")[6:] == ("4 more pairs change places, as the tables show.",)


def test_what_more_examples_give_is_told_where_a_law_tells_it_of_trained_models():
    class Law:
        largest = 4000.0

        def nearest_reach(self, *, factor):
            return {100: Reach(0.05, 7654.0, 6000.0, 9000.0), 1: Reach(0.5, 7654.0, 6000.0, 9000.0)}[factor]

    tfidf = cell("tfidf", estimate(0.6), simple=True)
    silent = SimpleNamespace(nearest_reach=lambda factor: None)
    first, rest = task(A, B, tfidf, cell("c", estimate(0.5))), task(A, B, tfidf, cell("c", None))
    found = curves(first, *[rest] * 3, laws={"a": Law(), "b": silent})
    told = (
        "By the power law fitted to its scores, a reaches {} with about 7,700 training examples, 3,700 more than its "
        "largest training set (95 % interval of the total: 6,000 to 9,000)."
    )
    assert curve_verdict(found)[1:] == (
        told.format("95.0"), "The fitted law does not tell what more training examples would give b and c.",
    )  # fmt: skip
    errors = task(A, metric="mean_squared_error", higher_is_better=False)
    assert curve_verdict(curves(*[errors] * 4, laws={"a": Law()}))[1:] == (told.format("0.500"),)
    assert len(curve_verdict(curves(*[task(A)] * 3, laws={"a": Law()}))) == 1
    assert len(curve_verdict(curves(*[task(A)] * 4, laws={"a": Law()}, setting="beams"))) == 1


def compared(value, *cells, setting="train_examples", train=None, **changes):
    """A comparison at a value, whose runs had so many training examples."""
    examples = {"test": 400} if train is None else {"test": 400, "train": train}
    counts = record().counts.model_copy(update={"examples": examples})
    runs = (Run(record=record(varied=varied(value, setting), counts=counts), score=0.9),)
    return replace(task(*(replace(one, runs=runs) for one in cells), **changes), varied=varied(value, setting))


def test_comparisons_of_a_task_at_two_values_or_more_are_joined_in_their_order():
    at_ten, at_two = compared(10, A, setting="beams"), compared(2, A, setting="beams")
    others = (
        replace(at_ten, suite="another"), compared(5, A, setting="memory"), task(A),
        compared(3, cell("gap", None), setting="beams"), compared(4, A, setting="beams", metric="macro_f1"),
        replace(at_ten, varied=Varied(task="another", setting="beams", value=7)),
    )  # fmt: skip
    (found,) = curves_of([(one, ()) for one in (*others, at_ten, at_two)])
    assert (found.sizes, found.tasks, found.laws) == ((2, 10), (at_two, at_ten), {})
    assert found.varied == at_two.varied


@pytest.mark.parametrize(
    ("setting", "train", "sizes"),
    [
        ("train_examples", (100, 700, 700), (100, 700)),
        ("train_examples", (100, 900, 5000), (100, 900, 3000)),
        ("train_examples", (None, None, None), (100, 1000, 3000)),
        ("max_length", (100, 700, 700), (100, 1000, 3000)),
    ],
)
def test_of_training_examples_as_many_are_drawn_as_there_were_and_once(setting, train, sizes):
    tasks = [compared(n, A, B, setting=setting, train=read) for n, read in zip((100, 1000, 3000), train, strict=True)]
    (found,) = curves_of([(one, ()) for one in tasks])
    assert found.sizes == sizes


def test_the_size_is_that_of_most_runs_at_the_value():
    few, many = (compared(1000, A, train=train).cells[0].runs for train in (10, 800))
    at_size = compared(1000, A, B)
    mixed = replace(at_size, cells=(replace(A, runs=few + many), replace(B, runs=many)))
    unvaried = Run(record=record(), score=0.9)
    mixed = replace(mixed, cells=(*mixed.cells, replace(B, model="whole", runs=(unvaried,) * 9)))
    (found,) = curves_of([(mixed, ()), (compared(100, A), ())])
    assert found.sizes == (100, 800)


def runs_of(model, error, *, collapsed=None, **changes):
    """What a law is fitted to: two seeds whose mean error is this, nearly without noise."""
    scores = np.array([1 - error - 1e-4, 1 - error + 1e-4])
    settings = {
        "evidence": Evidence(scores, np.tile([1e-6, -1e-6], (2, 1))), "test_set": "x", "units": "",
        "evidence_without_collapsed": lambda card: collapsed,
    }  # fmt: skip
    return SimpleNamespace(model=model, **(settings | changes))


def laws(change=None, *, at=1, metric="accuracy", **changes):
    """The models with a law, of four sizes at which their errors follow one; at one size something is changed."""
    scored = []
    for place, size in enumerate(SIZES):
        error = 0.9 * size**-0.25
        more = change if place == at and change else {}
        one = compared(size, A, train=size, metric=metric, **(changes if place == at else {}))
        scored.append((one, [runs_of("a", error, **more), runs_of("b", error)]))
    (found,) = curves_of(scored)
    return set(found.laws)


def test_a_law_is_fitted_to_models_whose_runs_were_scored_alike_at_each_size():
    assert laws() == {"a", "b"}
    for change in ({"collapsed": "some"}, {"test_set": "y"}, {"units": "y"}, {"evidence": None}):
        assert laws(change) == {"b"}
    look = Look(number=1, looks=(3, 5), seeds=(0, 1, 2), level=0.02)
    assert laws(look=look) == {"a", "b"}
    assert laws(look=replace(look, number=0)) == set()
    assert laws(metric="evaluate:x") == set()
