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
    """

    against: str
    role: str
    difference: float | None
    low: float | None
    high: float | None
    adjusted_p: float | None
    reading: str


def tidy_rows(comparison: Comparison, what: str) -> tuple[list[Row], list[str]]:
    """The rows of one table, and the names of its columns.

    Args:
        comparison: What is compared.
        what: "scores", "means" or "differences".

    Raises:
        UserError: There is no such table.
    """
    if what not in _TABLES:
        raise UserError(f"{what!r}: no such table of a comparison.{nearest(what, _TABLES)}")
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
        )
        for task, cell in _cells(comparison)
        for role, found in _differences(cell)
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


_TABLES: Mapping[str, tuple[type[_OfModel], Callable[[Comparison], Sequence[_OfModel]]]] = {
    "scores": (ScoreRow, _score_rows),
    "means": (MeanRow, _mean_rows),
    "differences": (DifferenceRow, _difference_rows),
}
