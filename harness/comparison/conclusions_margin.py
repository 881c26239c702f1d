"""Conclusions about a margin: which models are not worse by more than that, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.comparison.effects import Difference
from harness.comparison.formatting import ratio
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.wording import doubtful, listed, named
from harness.config.margin import POINTS, Margin
from harness.metrics.lookup import metric_name, unit_of

ALIKE = 0.05
"""Relative differences in training time below this are not mentioned."""


def about_margin(task: TaskComparison) -> Iterator[str]:
    """The conclusions about the task's margin, if it has one."""
    margin = task.margin
    if margin is None:
        return
    said = in_words(margin, task)
    if margin.value is None:
        yield (
            f"The margin of {said} does not apply to {metric_name(task.card.main_metric)}, which is not shown in "
            f"points: give the task its own, margin = {{ {task.task} = … }}."
        )
    elif any(cell.is_near_best is not None for cell in task.cells):
        yield from _near_best(task, said)
        yield from _near_baseline(task, said)


def in_words(margin: Margin, task: TaskComparison) -> str:
    """The margin in the units that scores are shown in, such as "1 point"."""
    if margin.value is not None and unit_of(task.card.main_metric).factor != POINTS:
        return f"{margin.shown:g} in {metric_name(task.card.main_metric)}"
    return f"{margin.shown:g} point{'' if margin.shown == 1 else 's'}"


def margin_reading(found: Difference | None) -> str:
    """Describe what the margin shows about a difference, in one or two words."""
    if found is None or found.within is None:
        return "not tested"
    if found.within.is_equivalent:
        return "equivalent"
    if found.within.is_not_worse:
        return "not worse"
    return "not better" if found.within.is_not_better else "not shown"


def _near_best(task: TaskComparison, said: str) -> Iterator[str]:
    best = next(cell for cell in task.ranked if cell.is_compared)
    near = [cell for cell in task.ranked if cell.is_near_best]
    if not near:
        yield f"Which models are within {said} of the best is not shown: that takes more seeds or test examples."
        return
    if near == [best] == [cell for cell in task.cells if cell.is_top]:
        yield f"No other model is shown to be not worse than {best.model} by more than {said}."
        return
    apart = [cell.model for cell in task.cells if cell.is_near_best is None and not cell.is_simple_baseline]
    names = [f"{named(cell)}{_cost(cell, best, f' of {best.model}')}" for cell in near]
    other = f"any other model, {listed(apart)} apart," if apart else "any other model"
    yield f"{listed(names)} {_is(names)} not worse than {other} by more than {said}{doubtful(task.doubts_of_claims)}."


def _near_baseline(task: TaskComparison, said: str) -> Iterator[str]:
    """Compare with the baseline; better models need no mention."""
    baselines = {cell.from_baseline.against for cell in task.cells if cell.from_baseline is not None}
    baseline = next((cell for cell in task.cells if cell.model in baselines), None)
    open_ = [(cell, margin_reading(cell.from_baseline)) for cell in task.ranked if not _is_better(cell)]
    if baseline is None:
        return
    for word, sentence in (
        ("equivalent", "equivalent to {baseline} within {said}"),
        ("not worse", "not worse than {baseline} by more than {said}"),
    ):
        names = [f"{named(cell)}{_cost(cell, baseline)}" for cell, reading in open_ if reading == word]
        if names:
            claim = sentence.format(baseline=named(baseline), said=said)
            yield f"{listed(names)} {_is(names)} {claim}{doubtful(task.doubts_of_claims)}."


def _is_better(cell: Cell) -> bool:
    found = cell.from_baseline
    return found is not None and found.is_significant and (found.gain or 0.0) > 0


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _cost(cell: Cell, other: Cell, whose: str = "") -> str:
    """The training time as a share of the other model's, if both were measured on the same machine."""
    if cell.cost is None or other.cost is None or cell.cost.machine != other.cost.machine:
        return ""
    ours, theirs = cell.cost.training_time, other.cost.training_time
    if not ours or not theirs or abs(ours / theirs - 1) < ALIKE:
        return ""
    return f" (at {ratio(ours / theirs)} of the training time{whose})"
