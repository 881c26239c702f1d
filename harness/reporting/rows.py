"""A comparison as tidy rows, for pandas or whatever else makes tables of them.

Numbers are in their natural unit (accuracy in 0..1), and None where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from harness.comparison.collapse import collapse_upper_bound
from harness.comparison.conclusions import reading
from harness.comparison.results import COPIED, Cell, Comparison, Difference, Run, TaskComparison
from harness.comparison.statistics import Estimate
from harness.errors import UserError, nearest
from harness.metrics.lookup import unit_of
from harness.reporting.tuning import TRIAL_COLUMNS, trial_rows

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _OfModel:
    """What every row begins with."""

    suite: str
    task: str
    model: str
    family: str
    is_simple_baseline: bool
    metric: str


@dataclass(frozen=True, slots=True)
class ScoreRow(_OfModel):
    """One row per model, task, seed and metric.

    Attributes:
        is_main_metric: Whether it is the one that models are compared by; its score is recomputed from the predictions.
        seed: The run's.
        status: "complete", "diverged" or "failed"; of the latter two there is one row, without a score.
        score: On the test split.
        is_collapsed: Whether the run gave one answer to all test examples, or scored no better than the best such
            answer, by the main metric.
        is_copy: Whether its numbers are those of another seed to the bit, so that it is not counted.
    """

    is_main_metric: bool
    seed: int
    status: str
    score: float | None
    is_collapsed: bool
    is_copy: bool


@dataclass(frozen=True, slots=True)
class MeanRow(_OfModel):
    """One row per model and task.

    Attributes:
        seeds: How many have a score.
        examples: In the test split; in cross-validation in all folds together.
        folds: Of the cross-validation; None: it is none.
        mean: Of the main metric over seeds.
        low: The lower end of its 95 % interval, which stays inside the range of the metric; None also where some runs
            collapsed and others did not.
        high: The upper end.
        collapsed: How many runs collapsed.
        collapse_upper_bound: The largest share that may: the upper end of a one-sided 95 % interval.
        mean_without_collapsed: The mean of the others, where some collapsed.
        low_without_collapsed: The lower end of its 95 % interval.
        high_without_collapsed: The upper end.
        is_top: Whether it may be the best: no other model is shown to be ahead of it.
    """

    seeds: int
    examples: int
    folds: int | None
    mean: float | None
    low: float | None
    high: float | None
    collapsed: int
    collapse_upper_bound: float | None
    mean_without_collapsed: float | None
    low_without_collapsed: float | None
    high_without_collapsed: float | None
    is_top: bool


@dataclass(frozen=True, slots=True)
class DifferenceRow(_OfModel):
    """One row per comparison of a model with another one on a task.

    Attributes:
        against: The other model.
        role: What the other one is: the "baseline", or the best "simple baseline".
        difference: The model's mean score less the other's; None where they were tested on different examples.
        low: The lower end of its 95 % interval.
        high: The upper end.
        adjusted_p: In the task's family of comparisons; None where the two were not tested against each other.
        reading: What the difference from the baseline says, in two or three words.
        run_wins: The chance that a new run of the model beats a new run of the other one on these test examples.
        run_wins_low: The lower end of its 95 % interval, which speaks of other seeds.
        run_wins_high: The upper end.
        examples_won: Test examples on which a run of the model does better than one of the other, on average over pairs
            of runs; None of metrics that are no mean over examples.
        examples_lost: Those on which it does worse.
        margin: By how much worse is still not worse; None where that was not said, or against the simple baseline.
        not_worse_p: Adjusted, of the model being worse by the margin or more.
        not_better_p: Adjusted, of its being better by the margin or more.
    """

    against: str
    role: str
    difference: float | None
    low: float | None
    high: float | None
    adjusted_p: float | None
    reading: str
    run_wins: float | None
    run_wins_low: float | None
    run_wins_high: float | None
    examples_won: float | None
    examples_lost: float | None
    margin: float | None
    not_worse_p: float | None
    not_better_p: float | None


@dataclass(frozen=True, slots=True)
class OverTasksRow:
    """One row per model, of a comparison with several tasks.

    Attributes:
        tasks: How many there are.
        compared: On so many of them anything could be shown of the model.
        better: It is better than the baseline on at least so many, with the number of tasks taken into account.
        worse: It is worse on at least so many.
        may_be_best: On at most so many it may be the best; on the others another model is better.
        best: On at least so many it is better than every other model.
        mean_rank: Over all tasks; None of few tasks, and of a model that was not compared on every task.
    """

    model: str
    tasks: int
    compared: int
    better: int
    worse: int
    may_be_best: int
    best: int
    mean_rank: float | None


def tidy_rows(comparison: Comparison, what: str) -> tuple[list[Row], list[str]]:
    """The rows of one table, and the names of its columns.

    Args:
        comparison: What is compared.
        what: "scores", "means", "differences", "over_tasks" or "trials".

    Raises:
        UserError: There is no such table.
    """
    if what == "trials":
        trials = trial_rows(comparison)
        return trials, list(trials[0] if trials else TRIAL_COLUMNS)
    if what not in _TABLES:
        raise UserError(f"{what!r}: no such table of a comparison.{nearest(what, [*_TABLES, 'trials'])}")
    shape, rows = _TABLES[what]
    return [asdict(row) for row in rows(comparison)], [field.name for field in fields(shape)]


def _of_model(task: TaskComparison, cell: Cell, metric: str) -> tuple[str, str, str, str, bool, str]:
    return task.suite, task.task, cell.model, cell.family, cell.is_simple_baseline, metric


def _ends(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)


def _score_rows(comparison: Comparison) -> list[ScoreRow]:
    """A task with two main metrics is two comparisons of the same runs, whose other scores are told once."""
    rows: dict[tuple[int, str], ScoreRow] = {}
    for task, cell in _cells(comparison):
        main = task.card.main_metric
        for run in cell.runs:
            for metric, score in _scores(run, main).items():
                key = (id(run.record), metric)
                if metric == main or key not in rows:
                    status, seed = run.record.status, run.record.seed
                    copied = run.trouble_in_short == COPIED
                    told = metric == main, seed, status, score, run.is_collapsed, copied
                    rows[key] = ScoreRow(*_of_model(task, cell, metric), *told)
    return list(rows.values())


def _scores(run: Run, main: str) -> dict[str, float | None]:
    """The run's scores by metric, the main one's as it was recomputed; a metric that says nothing of it is left out."""
    recorded: Mapping[str, float] = run.record.scores.get("test", {})
    own: dict[str, float | None] = {} if run.is_not_applicable else {main: run.score}
    return own | {metric: score for metric, score in recorded.items() if metric != main and math.isfinite(score)}


def _mean_rows(comparison: Comparison) -> list[MeanRow]:
    rows = []
    for task, cell in _cells(comparison):
        if cell.runs:
            metric = task.card.main_metric
            counts = len(cell.scored), cell.examples, task.folds or None
            collapsed = len(cell.collapsed), collapse_upper_bound(cell)
            means = [_bounded(one, metric) for one in (cell.estimate, cell.without_collapsed)]
            rows.append(MeanRow(*_of_model(task, cell, metric), *counts, *means[0], *collapsed, *means[1], cell.is_top))
    return rows


def _bounded(estimate: Estimate | None, metric: str) -> tuple[float | None, float | None, float | None]:
    """The mean and the ends of its interval, inside the metric's range."""
    mean, *ends = _ends(estimate)
    low, high = (None if end is None else unit_of(metric).bounded(end) for end in ends)
    return mean, low, high


def _difference_rows(comparison: Comparison) -> list[DifferenceRow]:
    return [
        DifferenceRow(
            *_of_model(task, cell, task.card.main_metric),
            found.against,
            role,
            *_ends(found.estimate),
            found.adjusted_p,
            reading(cell) if role == "baseline" else "",
            *_effects(found),
            *_within(task, found),
        )
        for task, cell in _cells(comparison)
        for role, found in _differences(cell)
    ]


def _effects(found: Difference) -> tuple[float | None, ...]:
    wins, flips = found.run_wins, found.flips
    chances = (None, None, None) if wins is None else (wins.value, wins.low, wins.high)
    return (*chances, *((None, None) if flips is None else (flips.won, flips.lost)))


def _within(task: TaskComparison, found: Difference) -> tuple[float | None, ...]:
    within = found.within
    if within is None or task.margin is None:
        return None, None, None
    return task.margin.value, within.not_worse_p, within.not_better_p


def _over_tasks_rows(comparison: Comparison) -> list[OverTasksRow]:
    found = comparison.over_tasks
    if found is None:
        return []
    ranks = found.ranks.by_model if found.ranks is not None else {}
    return [
        OverTasksRow(
            model=one.model,
            tasks=found.tasks,
            compared=len(one.compared),
            better=one.better.least,
            worse=one.worse.least,
            may_be_best=one.may_be_best,
            best=one.best.least,
            mean_rank=ranks.get(one.model),
        )
        for one in found.models
    ]


def _differences(cell: Cell) -> Iterator[tuple[str, Difference]]:
    """The cell's differences, once where the best simple baseline is the baseline."""
    if cell.from_baseline is not None:
        yield "baseline", cell.from_baseline
    against = None if cell.from_baseline is None else cell.from_baseline.against
    if cell.from_simple_baseline is not None and cell.from_simple_baseline.against != against:
        yield "simple baseline", cell.from_simple_baseline


def _cells(comparison: Comparison) -> Iterator[tuple[TaskComparison, Cell]]:
    for task in comparison.tasks:
        for cell in task.cells:
            yield task, cell


_AnyRow = _OfModel | OverTasksRow
_TABLES: Mapping[str, tuple[type[_AnyRow], Callable[[Comparison], Sequence[_AnyRow]]]] = {
    "scores": (ScoreRow, _score_rows),
    "means": (MeanRow, _mean_rows),
    "differences": (DifferenceRow, _difference_rows),
    "over_tasks": (OverTasksRow, _over_tasks_rows),
}
