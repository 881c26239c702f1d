"""The parts of a comparison, made by hand."""

from dataclasses import replace

import pytest
from made_comparisons import cell, estimate, lead, task

from harness.comparison.results import Comparison, Curves, Run
from harness.fold import Fold
from harness.metrics.lookup import unit_of
from harness.varied import Varied

A, B, GAP = cell("a", estimate(0.9, 0.85, 0.93)), cell("b", estimate(0.8)), cell("gap", None, seeds=2)


def test_cells_are_ranked_by_score_whichever_way_is_better_and_equal_ones_stay_in_order():
    equal = replace(A, model="equal")
    assert [one.model for one in task(GAP, B, A, equal).ranked] == ["a", "equal", "b"]
    assert [one.model for one in task(A, equal, GAP, B, higher_is_better=False).ranked] == ["b", "a", "equal"]


def test_a_cell_may_be_the_best_if_it_was_compared_and_is_behind_nobody():
    assert A.is_top
    assert not replace(A, beaten_by=("b",)).is_top
    assert not replace(A, is_compared=False).is_top
    assert not GAP.is_top  # Nothing is said of it.


def test_runs_are_parted_by_whether_they_have_a_score_and_collapsed():
    first, *others = A.runs
    lost, fallen = replace(others[0], score=None), replace(others[1], is_collapsed=True)
    mixed = replace(A, runs=(first, lost, fallen))
    assert (mixed.scored, mixed.troubled, mixed.collapsed) == ((first, fallen), (lost,), (fallen,))
    assert mixed.scored_records == (first.record, fallen.record)
    assert (GAP.scored, len(GAP.troubled)) == ((), 2)
    assert not any(run.is_not_applicable for run in GAP.troubled)  # Unless it is said of them.


def test_a_crossed_run_is_its_folds():
    def folds(of):
        return tuple(
            Run(record=A.runs[0].record.model_copy(update={"fold": Fold(number=number, of=of)}), score=0.9)
            for number in range(1, of + 1)
        )

    assert A.runs[0].trainings == (A.runs[0],)
    crossed = replace(A, runs=(replace(A.runs[0], folds=folds(3)),))
    assert crossed.runs[0].trainings == crossed.runs[0].folds
    assert [record.fold.number for record in crossed.scored_records] == [1, 2, 3]
    assert (task(A, B).folds, task(B, crossed).folds) == (0, 3)
    other = replace(B, runs=(replace(B.runs[0], folds=folds(5)),))
    assert task(crossed, other).folds == 5


@pytest.mark.parametrize(("p", "is_significant"), [(None, False), (0.05, False), (0.0499, True)])
def test_a_difference_is_significant_below_five_percent(p, is_significant):
    assert lead("b", 0.1, p).is_significant is is_significant


def test_ends_that_are_drawn_are_in_the_unit_of_reports_and_without_an_interval_the_mean():
    assert unit_of("accuracy").ends(A.mean) == pytest.approx((85.0, 90.0, 93.0))
    assert unit_of("accuracy").ends(B.mean) == pytest.approx((80.0, 80.0, 80.0))


def test_a_task_at_several_sizes_counts_once_and_gives_each_model_a_curve():
    tasks = tuple(
        replace(
            task(A, GAP if size < 100 else B),
            task=f"t@{size}",
            varied=Varied(task="t", setting="train_examples", value=size),
        )
        for size in (10, 100)
    )
    curves = Curves(sizes=(10, 100), tasks=tasks, varied=tasks[0].varied)
    assert {name: [size for size, _ in found] for name, found in curves.cells.items()} == {"a": [10, 100], "gap": [100]}
    bare = replace(curves, tasks=tuple(replace(one, cells=(A, GAP)) for one in tasks))
    assert list(bare.cells) == ["a"]
    other, again = replace(task(A), task="u"), replace(task(A), suite="another", task="u")
    found = Comparison(runs="r", models=("a",), baseline=None, tasks=(*tasks, other, again))
    assert [one.base_task for one in found.tasks] == ["t", "t", "u", "u"]
    assert found.task_count == 3
