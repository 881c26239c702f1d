"""Score against a size, such as that of the training split: one line per model."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from harness.comparison.results import Curves
from harness.metrics.lookup import metric_name, unit_of
from harness.reporting.charts.canvas import WIDTH, Scale, add, drawing, horizontal_axis, markup
from harness.reporting.charts.labels import BELOW, LETTER_WIDTH, in_column, shortened
from harness.reporting.charts.marks import add_line
from harness.reporting.charts.scores import BOTTOM, LEFT, TOP, score_axis, score_point

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
    heights = [end for found in cells.values() for _, cell in found for end in unit.ends(cell.mean)]
    y = score_axis(chart, task, heights, right=RIGHT)
    lines = {
        model: [
            score_point(cell, unit, x(size) + (place - (len(cells) - 1) / 2) * APART, y, f"with {size:,} {words}")
            for size, cell in found
        ]
        for place, (model, found) in enumerate(cells.items())
    }
    column_heights = in_column([lines[model][-1].y for model in named], top=TOP, bottom=BOTTOM)
    labels = dict(zip(named, column_heights, strict=True))
    for model, points in lines.items():
        group = add(chart, "g", class_=classes[model])
        add_line(group, classes[model], points)
        if model in named:
            add(group, "text", named[model], class_="label", x=RIGHT, y=labels[model] + BELOW)
    return markup(chart)


def _labels(curves: Curves, x: Scale) -> dict[float, str]:
    """The sizes to label, largest first, as far as there is room."""
    chosen: list[int] = []
    for size in reversed(curves.sizes):
        if all(x(other) - x(size) >= LABEL_WIDTH for other in chosen):
            chosen.append(size)
    return {float(size): f"{size:,}" for size in sorted(chosen)}
