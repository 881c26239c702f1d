"""The axis of scores and the point of a model, in charts that draw scores upwards."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from harness.comparison.results import Cell, TaskComparison
from harness.metrics.lookup import metric_name
from harness.metrics.metric import Unit
from harness.reporting.charts.canvas import Scale, add, around, plain, vertical_axis
from harness.reporting.charts.marks import Point

LEFT, TOP, BOTTOM = 46, 24, 250
"""The extent of such a chart's plot, in drawing units."""


def score_axis(chart: Element, task: TaskComparison, heights: Sequence[float], *, right: float) -> Scale:
    """Draw the task's axis of scores so that all `heights` fit, with grid lines up to `right`; return its scale."""
    y = Scale(*around(heights), BOTTOM, TOP)
    vertical_axis(chart, y, left=LEFT, right=right, labels=plain(y.ticks()))
    better = "↑" if task.card.higher_is_better else "↓"
    add(chart, "text", f"{metric_name(task.card.main_metric)} {better}", class_="axis", x=4, y=12)
    return y


def score_point(cell: Cell, unit: Unit, x: float, y: Scale, said: str) -> Point:
    """The point of a model that has a score; `said` follows the score in its title."""
    low, middle, high = map(y, unit.ends(cell.mean))
    return Point(x, middle, (low, high), f"{cell.model}: {unit.with_interval(cell.mean)} {said}")
