"""The chart of the cost of documents: seconds and memory by length, one row of panels per model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from experiments.picture import BLACK, BLUE, GREEN, GREY, PINK, RED, legend, picture
from harness.reporting.charts.canvas import Scale, add, horizontal_axis, markup, path, vertical_axis

Point = dict[str, Any]
COLOURS = {
    "head": GREY,
    "windows": BLUE,
    "segments": GREEN,
    "recurrence": RED,
    "recurrence-4": PINK,
    "full": BLACK,
}
PANEL, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 270, 52, 404, 30, 220
MEASURES: Mapping[str, Callable[[Point], float]] = {
    "seconds of a training step": lambda point: point["training_seconds"],
    "memory for the document, MB": lambda point: max((point["peak_bytes"] - point["before_bytes"]) / 1e6, 1.0),
}


def chart(points: Sequence[Point]) -> str:
    """The points as an SVG of its own; both axes are logarithmic."""
    models = sorted({point["model"] for point in points})
    root = picture(HEIGHT * len(models) + 40, "What a document costs, by its length", width=2 * PANEL)
    scales = {title: _scale([value(point) for point in points], BOTTOM, TOP) for title, value in MEASURES.items()}
    across = _scale([point["tokens"] for point in points], LEFT, RIGHT)
    for row, model in enumerate(models):
        for column, (title, value) in enumerate(MEASURES.items()):
            panel = add(root, "g", transform=f"translate({column * PANEL} {row * HEIGHT})")
            _axes(panel, f"{model}: {title}", across, scales[title])
            _lines(panel, [point for point in points if point["model"] == model], value, across, scales[title])
    drawn = {point["recipe"] for point in points}
    colours = {recipe: colour for recipe, colour in COLOURS.items() if recipe in drawn}
    legend(root, colours, left=LEFT, y=HEIGHT * len(models) + 20)
    return str(markup(root))


def _scale(values: Sequence[float], start: float, end: float) -> Scale:
    return Scale(min(values) / 1.2, max(values) * 1.2, start, end, is_log=True)


def _axes(panel: Element, title: str, across: Scale, up: Scale) -> None:
    add(panel, "text", title, class_="title", x=LEFT, y=TOP - 10)
    lengths = {float(tokens): f"{tokens:,}" for tokens in (512, 2048, 8192, 32768, 100_000)}
    steps = [factor * 10.0**power for power in range(-3, 6) for factor in (1, 3)]
    horizontal_axis(panel, across, top=TOP, bottom=BOTTOM, title="tokens in the document", labels=_on(across, lengths))
    vertical_axis(panel, up, left=LEFT, right=RIGHT, labels=_on(up, {value: f"{value:,.4g}" for value in steps}))


def _on(scale: Scale, labels: Mapping[float, str]) -> dict[float, str]:
    return {value: label for value, label in labels.items() if scale.low <= value <= scale.high}


def _lines(panel: Element, points: Sequence[Point], value: Callable[[Point], float], across: Scale, up: Scale) -> None:
    for recipe, colour in COLOURS.items():
        places = sorted((across(point["tokens"]), up(value(point))) for point in points if point["recipe"] == recipe)
        if places:
            group = add(panel, "g")
            add(group, "title", recipe)
            add(group, "path", d=path(places), stroke=colour)
            for x, y in places:
                add(group, "circle", cx=x, cy=y, r=3, fill=colour)
