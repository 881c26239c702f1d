"""A comparison as tidy rows, for pandas and similar tools.

Numbers are in their natural unit (accuracy in 0..1), and None if missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from harness.comparison.collapse import collapse_upper_bound
from harness.comparison.conclusions import reading
from harness.comparison.effects import Difference
from harness.comparison.results import COPIED, Cell, Comparison, Run, TaskComparison
from harness.comparison.statistics import Estimate
from harness.errors import UserError, nearest
from harness.reporting.tuning import TRIAL_COLUMNS, trial_rows

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _OfModel:
    """The first columns of every row."""

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
        is_main_metric: Whether models are compared by it; its score is recomputed from the predictions.
        seed: The seed of the run.
        status: "complete", "diverged" or "failed"; the latter two have a single row without a score.
        score: The score on the test split.
        is_collapsed: Whether the run gave all test examples the same answer, or did not beat the best such answer by
            the main metric.
        is_copy: Whether its numbers equal those of another seed to the bit, so that it is not counted.
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
        seeds: Number of seeds with a score.
        examples: Number of examples in the test split; in cross-validation, in all folds together.
        folds: Number of folds of the cross-validation; None without cross-validation.
        mean: The mean of the main metric over seeds.
        low: The lower end of its 95 % interval, which stays inside the range of the metric; None also if some runs
            collapsed and the others are clearly better.
        high: The upper end.
        collapsed: Number of collapsed runs.
        collapse_upper_bound: The upper end of a one-sided 95 % interval of the share of runs that collapse.
        mean_without_collapsed: The mean of the other runs, if some collapsed and the others are clearly better.
        low_without_collapsed: The lower end of its 95 % interval.
        high_without_collapsed: The upper end.
        is_top: Whether the model may be the best: no other model is shown to be ahead of it.
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
        role: The role of the other model: the "baseline", or the best "simple baseline".
        difference: The model's mean score minus the other's; None if they were tested on different examples.
        low: The lower end of its 95 % interval.
        high: The upper end.
        adjusted_p: The p-value adjusted for the task's family of comparisons; None if the two were not compared.
        reading: The meaning of the difference from the baseline, in two or three words.
        run_wins: The probability that a new run of the model beats a new run of the other on these test examples.
        run_wins_low: The lower end of its 95 % interval over seeds.
        run_wins_high: The upper end.
        examples_won: Number of test examples on which a run of the model does better than one of the other, averaged
            over pairs of runs; None for metrics that are not a mean over examples.
        examples_lost: Number of those on which it does worse.
        margin: The margin of non-inferiority; None if there is none, or against the simple baseline.
        not_worse_p: Adjusted p-value of the model being worse by the margin or more.
        not_better_p: Adjusted p-value of the model being better by the margin or more.
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
    """One row per model, for a comparison with several tasks.

    Attributes:
        tasks: Number of tasks.
        compared: Number of tasks on which the model was compared.
        better: Lower bound of the number of tasks on which it is better than the baseline, corrected for their number.
        worse: The same for tasks on which it is worse.
        may_be_best: Upper bound of the number of tasks on which it may be the best.
        best: Lower bound of the number of tasks on which it is better than every other model.
        mean_rank: Mean rank over all tasks; None for few tasks, and for a model not compared on every task.
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
    """Make the rows of one table, and the names of its columns.

    Args:
        comparison: The comparison.
        what: "scores", "means", "differences", "over_tasks" or "trials".

    Raises:
        UserError: If there is no such table.
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
    """The rows, without repeating scores of a task with two main metrics, which is two comparisons of the same runs."""
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
    """The run's scores by metric, with the main one recomputed, or left out if it does not apply."""
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
            means = _ends(cell.estimate), _ends(cell.without_collapsed)
            rows.append(MeanRow(*_of_model(task, cell, metric), *counts, *means[0], *collapsed, *means[1], cell.is_top))
    return rows


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
    """The cell's differences; only one if the best simple baseline is the baseline."""
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
