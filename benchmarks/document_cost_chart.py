"""The chart of what documents cost: seconds and memory by length, a row of panels a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from reports.charts.canvas import Scale, add, drawing, horizontal_axis, markup, path, vertical_axis

Point = dict[str, Any]
# Told apart also by those who see no red or green (Okabe & Ito 2008).
COLOURS = {
    "head": "#999999",
    "windows": "#0072b2",
    "segments": "#009e73",
    "recurrence": "#d55e00",
    "recurrence-4": "#cc79a7",
    "full": "#000000",
}
PANEL, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 270, 52, 404, 30, 220
STYLE = """
text { font: 13px sans-serif; fill: #222 } .axis { fill: #555 } .tick { fill: #555; font-size: 12px }
.grid { stroke: #ddd } path { fill: none; stroke-width: 2 } .title { font-weight: bold }
"""
MEASURES: Mapping[str, Callable[[Point], float]] = {
    "seconds of a training step": lambda point: point["training_seconds"],
    "memory for the document, MB": lambda point: max((point["peak_bytes"] - point["before_bytes"]) / 1e6, 1.0),
}


def chart(points: Sequence[Point]) -> str:
    """The points as an SVG of its own; both axes are logarithmic."""
    models = sorted({point["model"] for point in points})
    picture = drawing(HEIGHT * len(models) + 40, "What a document costs, by its length", width=2 * PANEL)
    picture.set("xmlns", "http://www.w3.org/2000/svg")
    add(picture, "style", STYLE)
    add(picture, "rect", width="100%", height="100%", fill="white")
    scales = {title: _scale([value(point) for point in points], BOTTOM, TOP) for title, value in MEASURES.items()}
    across = _scale([point["tokens"] for point in points], LEFT, RIGHT)
    for row, model in enumerate(models):
        for column, (title, value) in enumerate(MEASURES.items()):
            panel = add(picture, "g", transform=f"translate({column * PANEL} {row * HEIGHT})")
            _axes(panel, f"{model}: {title}", across, scales[title])
            _lines(panel, [point for point in points if point["model"] == model], value, across, scales[title])
    drawn = {point["recipe"] for point in points}
    _legend(picture, [recipe for recipe in COLOURS if recipe in drawn], HEIGHT * len(models) + 20)
    return str(markup(picture))


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


def _legend(picture: Element, recipes: Sequence[str], y: float) -> None:
    for place, recipe in enumerate(recipes):
        x = LEFT + place * 125
        add(picture, "path", d=path([(x, y), (x + 18, y)]), stroke=COLOURS[recipe])
        add(picture, "text", recipe, x=x + 24, y=y + 4)
