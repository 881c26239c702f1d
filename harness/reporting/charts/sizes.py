"""Score against a size, such as that of the training split: one line per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.comparison.results import Curves, ends_of
from harness.metrics.lookup import metric_name, unit_of
from harness.reporting.charts.canvas import WIDTH, Scale, add, drawing, horizontal_axis, markup, path
from harness.reporting.charts.labels import BELOW, LETTER_WIDTH, in_column, shortened
from harness.reporting.charts.marks import add_mark
from harness.reporting.charts.scores import BOTTOM, LEFT, TOP, score_axis

RIGHT = WIDTH - 60
APART = 3.0  # of intervals that would hide each other
LABEL_WIDTH = 46
MOST_LETTERS = 15
MOST_NAMED = 16
"""More names don't fit in a column; the others are in the legend and in the titles of their points."""


def size_curves(curves: Curves, classes: Mapping[str, str]) -> Markup:
    """One line per model, including simple baselines, over a log axis of sizes, with names at the ends of the lines."""
    task, cells = curves.tasks[0], curves.cells
    unit, words = unit_of(task.card.main_metric), curves.varied.words
    named = {model: shortened(model, MOST_LETTERS) for model in list(cells)[:MOST_NAMED]}
    column = max(map(len, named.values())) * LETTER_WIDTH
    described = f"{curves.varied.task}: {metric_name(task.card.main_metric)} of each model by {words}"
    chart = drawing(BOTTOM + 42, described, width=RIGHT + column)
    x = Scale(float(curves.sizes[0]), float(curves.sizes[-1]), LEFT + 24, RIGHT - 24, is_log=True)
    horizontal_axis(chart, x, top=TOP, bottom=BOTTOM, title=words, labels=_labels(curves, x))
    y = score_axis(
        chart, task, [end for found in cells.values() for _, c in found for end in ends_of(c, unit)], right=RIGHT
    )
    shifts = {model: (place - (len(cells) - 1) / 2) * APART for place, model in enumerate(cells)}
    places = {
        model: [(x(size) + shifts[model], y(ends_of(cell, unit)[1])) for size, cell in found]
        for model, found in cells.items()
    }
    heights = in_column([places[model][-1][1] for model in named], top=TOP, bottom=BOTTOM)
    labels = dict(zip(named, heights, strict=True))
    for model in cells:
        group = add(chart, "g", class_=classes[model])
        _line(group, curves, model, class_=classes[model], places=places[model], y=y)
        if model in named:
            add(group, "text", named[model], class_="label", x=RIGHT, y=labels[model] + BELOW)
    return markup(chart)


def _line(
    group: Element, curves: Curves, model: str, *, class_: str, places: Sequence[tuple[float, float]], y: Scale
) -> None:
    found, unit = curves.cells[model], unit_of(curves.tasks[0].card.main_metric)
    add(group, "path", class_="path", d=path(places))
    for (size, cell), (across, up) in zip(found, places, strict=True):
        assert cell.estimate is not None
        low, _, high = (y(end) for end in ends_of(cell, unit))
        point = add(group, "g")
        add(point, "title", f"{model}: {unit.with_interval(cell.estimate)} with {size:,} {curves.varied.words}")
        add(point, "line", class_="interval thin", x1=across, x2=across, y1=low, y2=high)
        add_mark(point, class_, across, up)


def _labels(curves: Curves, x: Scale) -> dict[float, str]:
    """The sizes to label, largest first, as far as there is room."""
    chosen: list[int] = []
    for size in reversed(curves.sizes):
        if all(x(other) - x(size) >= LABEL_WIDTH for other in chosen):
            chosen.append(size)
    return {float(size): f"{size:,}" for size in sorted(chosen)}
