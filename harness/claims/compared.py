"""A model's score beside another's, out of a comparison, as a claim records it."""

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
from harness.comparison.results import Cell, Difference, TaskComparison
from harness.comparison.statistics import SIGNIFICANCE, Estimate
from harness.metrics.lookup import metric_name, unit_of
from harness.record import RunRecord

MANY = 1e9  # Degrees of freedom, as good as any number.


class Beside(BaseModel):
    """A model beside another one on a task.

    Attributes:
        task: Its name.
        task_type: What it asks for.
        metric: That it is scored by.
        model: The model.
        against: The other one.
        score: The model's mean over seeds.
        low: The lower end of its 95 % interval; None: not known.
        high: The upper one.
        other: The other one's score.
        gain: By how much the model is better, whichever way the metric goes.
        gain_low: The lower end of its 95 % interval.
        gain_high: The upper one.
        p: Of the side that is ahead, in the comparison's family; None: not tested, as with one seed.
        seeds: With a score.
        collapsed: Of these, runs that tell no example from another.
        tokens_read: The share of the test texts' tokens that the model read.
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
        """Whether the model is shown to be ahead, to be behind, or neither.

        Nothing is, where all of its runs collapsed. Else the comparison's p-value says so, which is adjusted for the
        task's comparisons; where one seed allows none, the interval over test examples, which is not.

        Args:
            tasks: Of which one may be wrong in 5 %, all together; 1: each by itself.
            models: On the task, which one seed's intervals are widened for.
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
        """The score with its interval, and the other one's, such as "78.0 (74.1 to 81.5) against 65.0"."""
        unit = unit_of(self.metric)
        factor, decimals = unit.factor, unit.decimals
        ends = (-inf, inf) if self.low is None or self.high is None else (self.low, self.high)
        own = Interval(self.score, *ends).shown(decimals, factor=factor)
        doubt = f", {self.collapsed} of {self.seeds} collapsed" if self.collapsed else ""
        return f"{own} against {self.other * factor:.{decimals}f}{doubt}".replace("-", "−")

    def gained(self) -> str:
        """The gain with its interval, as reports show the metric."""
        low = -inf if self.gain_low is None else self.gain_low
        found = Interval(self.gain, low, inf if self.gain_high is None else self.gain_high)
        unit = unit_of(self.metric)
        return found.shown(unit.decimals, factor=unit.factor)

    @property
    def named_metric(self) -> str:
        """The metric's name as reports have it."""
        return metric_name(self.metric)


def comparisons(settings: Settings, folder: Path) -> Iterator[TaskComparison]:
    """Every task's comparison, of every suite of the claim."""
    for place in suite_folders(settings, folder):
        yield from compare(place).tasks


def beside(task: TaskComparison, cell: Cell, difference: Difference | None) -> Beside | None:
    """A cell beside the model that a difference is taken from; None where either has no score."""
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
    """The share of the test texts' tokens that models read; 1 where it was not counted."""
    counts = [record.counts.tokens["test"] for record in records if "test" in record.counts.tokens]
    total = sum(one.total for one in counts)
    return sum(one.seen for one in counts) / total if total else 1.0
