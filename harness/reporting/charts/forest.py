"""The forest plot: each model's mean, its interval, its seeds."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.comparison.results import Cell, TaskComparison
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import Unit
from harness.reporting.charts.canvas import WIDTH, Scale, add, around, drawing, horizontal_axis, markup, plain

ROW = 40
SIDE = 14


def forest(task: TaskComparison, classes: Mapping[str, str]) -> Markup:
    """The models with a score, the best on top: a dot for the mean, a bar for the interval, a tick for each seed.

    A seed whose training collapsed has a cross in place of the tick.

    The best simple baseline is drawn through all rows: what lies on its wrong side was not worth training.
    """
    unit, cells = unit_of(task.card.main_metric), task.ranked
    bottom = ROW * len(cells) + 6
    measure = metric_name(task.card.main_metric)
    chart = drawing(bottom + 42, f"{task.task}: {measure} of each model with its 95 % interval, the best on top")
    scale = Scale(
        *around([unit.bounded(value) * unit.factor for cell in cells for value in _extent(cell)]), SIDE, WIDTH - SIDE
    )
    title = f"{measure} ({'more' if task.card.higher_is_better else 'less'} is better)"
    horizontal_axis(chart, scale, top=0, bottom=bottom, title=title, labels=plain(scale.ticks()))
    best = next((cell for cell in cells if cell.is_simple_baseline), None)
    if best is not None and best.estimate is not None:
        x = scale(best.estimate.value * unit.factor)
        add(chart, "line", class_="baseline-line", x1=x, x2=x, y1=0, y2=bottom)
    for row, cell in enumerate(cells):
        _row(add(chart, "g", class_=classes[cell.model]), cell, unit, scale, row * ROW)
    return markup(chart)


def _extent(cell: Cell) -> list[float]:
    assert cell.estimate is not None
    ends = [cell.estimate.value, cell.estimate.low, cell.estimate.high, *(run.score for run in cell.scored)]
    return [value for value in ends if value is not None]


def _row(group: Element, cell: Cell, unit: Unit, scale: Scale, top: float) -> None:
    estimate = cell.estimate
    assert estimate is not None
    y = top + 29
    collapsed = f", {len(cell.collapsed)} of them collapsed" if cell.collapsed else ""
    add(group, "title", f"{cell.model}: {unit.with_interval(estimate)}, {len(cell.scored)} seeds{collapsed}")
    emphasis = "name top" if cell.is_top else "name"
    add(
        group,
        "text",
        cell.model + (" (simple baseline)" if cell.is_simple_baseline else ""),
        class_=emphasis,
        x=SIDE,
        y=top + 17,
    )
    add(group, "text", unit.with_interval(estimate), class_=emphasis, x=WIDTH - SIDE, y=top + 17, text_anchor="end")
    if estimate.low is not None and estimate.high is not None:
        ends = {
            "x1": scale(unit.bounded(estimate.low) * unit.factor),
            "x2": scale(unit.bounded(estimate.high) * unit.factor),
        }
        add(group, "line", class_="interval" if estimate.includes_seeds else "interval partial", y1=y, y2=y, **ends)
    for run in cell.scored:
        assert run.score is not None
        x = scale(run.score * unit.factor)
        if run.is_collapsed:
            for rise in (-5, 5):
                add(group, "line", class_="seed collapsed", x1=x - 5, x2=x + 5, y1=y - rise, y2=y + rise)
        else:
            add(group, "line", class_="seed", x1=x, x2=x, y1=y - 5, y2=y + 5)
    add(group, "circle", class_="dot", cx=scale(estimate.value * unit.factor), cy=y, r=5)
