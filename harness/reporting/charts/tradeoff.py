"""Score against cost: the training time for a gain in score."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.comparison.formatting import duration
from harness.comparison.results import Cell, TaskComparison
from harness.metrics.lookup import metric_name, unit_of
from harness.reporting.charts.canvas import WIDTH, Scale, add, drawing, horizontal_axis, markup
from harness.reporting.charts.labels import Label, placed, vertical_line
from harness.reporting.charts.marks import add_point
from harness.reporting.charts.scores import BOTTOM, LEFT, TOP, score_axis, score_point
from harness.reporting.charts.times import factor_around, time_labels

RIGHT = WIDTH - 14
MOST_NAMED = 30
"""More names would hide each other; those of other models are in the titles of their points."""


def tradeoff(task: TaskComparison, classes: Mapping[str, str]) -> Markup | None:
    """Score by training seconds on a log axis, with the best models named; None if no model has both.

    Also None for several machines, whose times can't be compared.

    The best simple baseline is a horizontal line: with a thousandth of the models' time, it would leave them no room.
    """
    unit = unit_of(task.card.main_metric)
    points = [(cell, _seconds(cell)) for cell in task.ranked if _seconds(cell) > 0 and not cell.is_simple_baseline]
    if not points or any(cell.cost is not None and cell.cost.among_machines for cell in task.ranked):
        return None
    measure = metric_name(task.card.main_metric)
    best = next((cell for cell in task.ranked if cell.is_simple_baseline), None)
    about = f"{task.task}: {measure} of each model against the training time of one run"
    chart = drawing(BOTTOM + (62 if best else 42), about)
    x = Scale(*factor_around([seconds for _, seconds in points]), LEFT, RIGHT, is_log=True)
    heights = [value for cell, _ in points for value in unit.ends(cell.mean)]
    heights += [unit.ends(best.mean)[1]] if best else []
    title = "training time of one run"
    horizontal_axis(chart, x, top=TOP, bottom=BOTTOM, title=title, labels=time_labels(x))
    y = score_axis(chart, task, heights, right=RIGHT)
    across_all = [_baseline_line(chart, best, y(unit.ends(best.mean)[1]))] if best else []
    drawn = [score_point(cell, unit, x(seconds), y, f"after {duration(seconds)}") for cell, seconds in points]
    lines = [vertical_line(one.x, *one.interval) for one in drawn if one.interval is not None]
    named, places = [cell.model for cell, _ in points[:MOST_NAMED]], [(one.x, one.y) for one in drawn[:MOST_NAMED]]
    labels = placed(named, places, left=LEFT, right=RIGHT, lines=[*across_all, *lines])
    for (cell, _), point, label in zip_longest(points, drawn, labels):
        group = add(chart, "g", class_=classes[cell.model])
        add_point(group, classes[cell.model], point)
        if label is not None:
            add(group, "text", cell.model, class_="label", x=label.x, y=label.y, text_anchor=label.anchor)
    return markup(chart)


def _baseline_line(chart: Element, best: Cell, height: float) -> Label:
    """Draw the best simple baseline through the points; its name is below them, where no line crosses it.

    Returns:
        The room that the line takes.
    """
    add(chart, "line", class_="baseline-line", x1=LEFT, x2=RIGHT, y1=height, y2=height)
    add(chart, "line", class_="baseline-line", x1=LEFT, x2=LEFT + 20, y1=BOTTOM + 52, y2=BOTTOM + 52)
    label = f"{best.model} (simple baseline, {duration(best.cost.training_time if best.cost else None)})"
    add(chart, "text", label, class_="tick", x=LEFT + 26, y=BOTTOM + 56)
    return Label(LEFT, height + 2, "start", RIGHT - LEFT, 4)


def _seconds(cell: Cell) -> float:
    return (cell.cost.training_time if cell.cost else None) or 0.0
