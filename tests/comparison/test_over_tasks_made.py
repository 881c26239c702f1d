"""What is counted over tasks, of comparisons that are made by hand."""

from dataclasses import replace

import pytest
from made_comparisons import cell, estimate, lead, task
from scipy.stats import norm

from harness.comparison.counts import Count
from harness.comparison.over_tasks import mean_ranks, over_tasks
from harness.varied import Varied

MODELS = ("a", "b", "tfidf")
A, B, TFIDF = cell("a", estimate(0.9)), cell("b", estimate(0.8)), cell("tfidf", estimate(0.7), simple=True)


def tasks_of(*cells_of_each):
    """A task of each row of cells: t0, t1, ..."""
    return [replace(task(*cells), task=f"t{number}") for number, cells in enumerate(cells_of_each)]


def counted(model, *cells_of_each):
    found = over_tasks(tasks_of(*cells_of_each), MODELS)
    return next(one for one in found.models if one.model == model)


def at_sizes(tasks, *places):
    """The tasks at these places as one task at several sizes."""
    changes = {place: Varied(task="t", setting="train_examples", value=10 + place) for place in places}
    return [replace(one, varied=changes.get(place)) for place, one in enumerate(tasks)]


def test_nothing_is_counted_unless_something_could_be_shown_on_two_tasks():
    untested = [replace(one, is_compared=False) for one in (A, B, TFIDF)]
    assert over_tasks(tasks_of((A, B, TFIDF), untested), MODELS) is None
    partly = (A, *untested[1:])
    found = over_tasks(tasks_of((A, B, untested[2]), partly), MODELS)
    assert (found.names, [one.model for one in found.models]) == (("t0", "t1"), ["a", "b"])
    assert [one.compared for one in found.models] == [("t0", "t1"), ("t0",)]
    assert over_tasks(at_sizes(tasks_of((A, B, TFIDF), (A, B, TFIDF)), 0, 1), MODELS) is None


def test_better_and_worse_are_counted_by_wilkinsons_test_where_they_are_significant():
    # Of three tasks: three significant ones hold on three, two on one; see the count's own tests.
    up, down = lead("b", 0.1, 0.049), lead("b", -0.1, 0.001)
    better, worse = replace(A, from_baseline=up), replace(A, from_baseline=down)
    unclear = replace(A, from_baseline=lead("b", 0.1, 0.05))
    found = counted("a", *[(one, B, TFIDF) for one in (better, better, better)])
    assert (found.better, found.worse) == (Count(("t0", "t1", "t2"), 3), Count())
    found = counted("a", *[(one, B, TFIDF) for one in (worse, unclear, worse)])
    assert (found.better, found.worse) == (Count(), Count(("t0", "t2"), 1))
    found = counted("a", *[(one, B, TFIDF) for one in (worse, better, A)])
    assert (found.better, found.worse) == (Count(("t1",), 0), Count(("t0",), 0))


def test_of_the_best_as_many_tasks_are_taken_off_as_may_be_wrong():
    behind = [replace(one, beaten_by=("a",)) for one in (B, TFIDF)]
    found = counted("a", *[(A, *behind)] * 3)
    assert (found.best, found.not_best) == (Count(("t0", "t1", "t2"), 2), Count())
    assert found.ahead == {name: Count(("t0", "t1", "t2"), 2) for name in ("b", "tfidf")}
    found = counted("b", *[(A, *behind)] * 3)
    assert (found.best, found.not_best, found.ahead) == (Count(), Count(("t0", "t1", "t2"), 2), {})
    assert (found.may_be_best, counted("a", *[(A, *behind)] * 3).may_be_best) == (1, 3)


@pytest.mark.parametrize(
    ("cells", "is_best"),
    [
        ((A, replace(B, beaten_by=("a",)), replace(TFIDF, beaten_by=("a",))), True),
        ((A, B, replace(TFIDF, beaten_by=("a",))), False),
        ((A, replace(B, beaten_by=("a",)), TFIDF), False),
        ((A, replace(B, is_compared=False), replace(TFIDF, beaten_by=("a",))), False),  # It may be as good.
        ((A, replace(B, beaten_by=("a",)), replace(TFIDF, is_compared=False)), True),  # Another baseline is better.
        ((A, replace(TFIDF, model="b", is_compared=False), replace(TFIDF, is_compared=False)), False),  # It is alone.
        ((replace(A, beaten_by=("b",)), replace(B, beaten_by=("tfidf",)), replace(TFIDF, beaten_by=("a",))), False),
    ],
)
def test_a_model_is_the_best_where_every_rival_is_shown_not_to_be(cells, is_best):
    assert bool(counted("a", cells, cells).best.shown) == is_best


def test_of_a_task_at_several_sizes_what_all_say_counts_where_the_model_took_part():
    behind, untested = replace(B, beaten_by=("a",)), replace(A, is_compared=False)

    def found(*rows):
        several = over_tasks(at_sizes(tasks_of(*rows, (A, behind, TFIDF)), 0, 1), MODELS)
        ours, theirs = several.models[:2]
        return ours.compared, ours.ahead["b"].shown, theirs.not_best.shown

    both, last = ("t", "t2"), ("t2",)
    assert found((A, behind, TFIDF), (A, behind, TFIDF)) == (both, both, both)
    assert found((A, behind, TFIDF), (A, B, TFIDF)) == (both, last, last)
    assert found((A, behind, TFIDF), (untested, B, TFIDF)) == (both, both, last)
    assert found((untested, behind, TFIDF), (untested, behind, TFIDF)) == (last, last, both)


def test_mean_ranks_are_of_models_that_were_compared_on_all_of_eight_tasks_and_ties_share_a_rank():
    even = replace(B, estimate=estimate(0.9))
    rows = [(A, B, TFIDF)] * 6 + [(A, even, TFIDF)] * 2
    found = mean_ranks(tasks_of(*rows), MODELS)
    assert found.by_model == {"a": 9 / 8, "b": 15 / 8, "tfidf": 3.0}
    assert list(found.by_model) == ["a", "b", "tfidf"]
    errors = [replace(one, card=task(A, higher_is_better=False).card) for one in tasks_of(*rows)]
    assert list(mean_ranks(errors, MODELS).by_model.items()) == [("tfidf", 1.0), ("b", 17 / 8), ("a", 23 / 8)]
    assert mean_ranks(tasks_of(*rows[:7]), MODELS) is None
    assert mean_ranks(at_sizes(tasks_of(*rows, rows[0]), 0, 1), MODELS) is None
    # Of two models the critical difference is that of a normal variable: z sqrt(2 (2 + 1) / (6 * 8)).
    once = replace(TFIDF, is_compared=False)
    two = mean_ranks(tasks_of((A, B, once), *rows[1:]), MODELS)
    assert two.by_model == {"a": 9 / 8, "b": 15 / 8}
    assert two.critical_difference == pytest.approx(norm.ppf(0.995) * (1 / 8) ** 0.5, rel=1e-6)
    assert mean_ranks(tasks_of((A, replace(B, is_compared=False), once), *rows[1:]), MODELS) is None
