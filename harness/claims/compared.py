"""A model's score beside another's, taken from a comparison and recorded with a claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.claims.claim import Settings
from harness.claims.intervals import Interval, quantile
from harness.claims.measuring import suite_folders
from harness.comparison.comparison import compare
from harness.comparison.effects import Difference
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.statistics import SIGNIFICANCE, Estimate
from harness.metrics.lookup import unit_of
from harness.record import RunRecord
from harness.records import read_records

ONE_SEED = "One seed: the intervals are over test examples, and say nothing about other training runs."
"""The limit of what is compared by single runs."""
MANY = 1e9  # Degrees of freedom: practically infinite, for normal quantiles.


class Beside(BaseModel):
    """The scores of a model and of another one on a task.

    Attributes:
        task: The task's name.
        task_type: The task's type.
        metric: The metric of the scores.
        model: The model.
        against: The other model.
        score: The model's mean score over seeds.
        low: The lower end of the score's 95 % interval; None if unknown.
        high: The upper end.
        other: The other model's score.
        gain: How much better the model is; positive if better, also if lower scores are better.
        gain_low: The lower end of the gain's 95 % interval; None if unknown.
        gain_high: The upper end.
        p: The p-value of the difference, adjusted for the task's comparisons; None if untested, as with one seed.
        seeds: Number of seeds with a score.
        collapsed: Number of these runs that collapsed: they do not distinguish between examples.
        tokens_read: Share of the test texts' tokens that the model read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    task_type: str
    metric: str
    model: str
    against: str
    score: float
    low: float | None
    high: float | None
    other: float
    gain: float
    gain_low: float | None
    gain_high: float | None
    p: float | None
    seeds: int
    collapsed: int
    tokens_read: float = 1.0

    def side(self, *, tasks: int = 1, models: int = 1) -> Literal["above", "below", "around"]:
        """Return whether the model is shown to be ahead ("above"), behind ("below"), or neither ("around").

        If all of its runs collapsed, neither is. Otherwise the p-value decides, which is adjusted for the task's
        comparisons; with one seed there is none, and the interval over test examples decides, which is not adjusted.

        Args:
            tasks: Number of tasks to correct for (Bonferroni); 1 for no correction.
            models: Number of models on the task, for which the interval of a single seed is widened too.
        """
        if self.collapsed == self.seeds:
            return "around"
        if self.p is not None:
            return "around" if self.p >= SIGNIFICANCE / tasks else "above" if self.gain > 0 else "below"
        if self.gain_low is None or self.gain_high is None:
            return "around"
        wider = quantile(MANY, tasks * models) / quantile(MANY)
        ends = (self.gain + wider * (end - self.gain) for end in (self.gain_low, self.gain_high))
        return Interval(self.gain, *ends).side(0.0)

    def shown(self) -> str:
        """Format the score with its interval and the other score, such as "78.0 (74.1 to 81.5) against 65.0"."""
        unit = unit_of(self.metric)
        factor, decimals = unit.factor, unit.decimals
        ends = (-inf, inf) if self.low is None or self.high is None else (self.low, self.high)
        own = Interval(self.score, *ends).shown(decimals, factor=factor)
        doubt = f", {self.collapsed} of {self.seeds} collapsed" if self.collapsed else ""
        return f"{own} against {self.other * factor:.{decimals}f}{doubt}".replace("-", "−")

    def gained(self) -> str:
        """Format the gain with its interval, in the metric's unit in reports."""
        low = -inf if self.gain_low is None else self.gain_low
        found = Interval(self.gain, low, inf if self.gain_high is None else self.gain_high)
        unit = unit_of(self.metric)
        return found.shown(unit.decimals, factor=unit.factor)


def comparisons(settings: Settings, folder: Path, *, baseline: str | None = None) -> Iterator[TaskComparison]:
    """Yield the comparison of each task of each suite of the claim.

    Args:
        settings: The claim's settings.
        folder: The study's folder.
        baseline: The model that differences are taken from, by the same p-values; suites without it are left out.
            Default: that of each suite.
    """
    for place in suite_folders(settings, folder):
        if baseline is None or any(record.model == baseline for _, record in read_records(place)[0]):
            yield from compare(place, baseline=baseline).tasks


def beside(task: TaskComparison, cell: Cell, difference: Difference | None) -> Beside | None:
    """Convert a cell and its difference from another model; None if either has no score."""
    if difference is None or difference.estimate is None or difference.gain is None or cell.estimate is None:
        return None
    gain = _turned(difference.estimate, higher_is_better=task.card.higher_is_better)
    return Beside(
        task=task.task,
        task_type=task.card.task_type,
        metric=task.card.main_metric,
        model=cell.model,
        against=difference.against,
        score=cell.estimate.value,
        low=cell.estimate.low,
        high=cell.estimate.high,
        other=cell.estimate.value - difference.estimate.value,
        gain=difference.gain,
        gain_low=gain[0],
        gain_high=gain[1],
        p=difference.adjusted_p,
        seeds=len(cell.scored),
        collapsed=len(cell.collapsed),
        tokens_read=tokens_read(cell.scored_records),
    )


def _turned(found: Estimate, *, higher_is_better: bool) -> tuple[float | None, float | None]:
    if higher_is_better or found.low is None or found.high is None:
        return found.low, found.high
    return -found.high, -found.low


def tokens_read(records: Iterable[RunRecord]) -> float:
    """Return the share of the test texts' tokens that models read; 1 if it was not counted."""
    counts = [record.counts.tokens["test"] for record in records if "test" in record.counts.tokens]
    total = sum(one.total for one in counts)
    return sum(one.seen for one in counts) / total if total else 1.0
