"""The marks of models, and points and lines with them: shapes besides colours, for print and colour-blind readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.reporting.charts.canvas import add, markup, path

BASELINE = "baseline"
"""The class of all simple baselines."""
_OUTLINES = (
    "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
    "M-4.5,-4.5h9v9h-9z",
    "M0,-6L5.6,4.2H-5.6z",
    "M0,-6.2L6.2,0L0,6.2L-6.2,0z",
    "M0,6L5.6,-4.2H-5.6z",
    "M-2,-5.6h4v3.6h3.6v4h-3.6v3.6h-4v-3.6h-3.6v-4h3.6z",
)
SHAPES = 2 * len(_OUTLINES)
"""Each outline exists filled and hollow; this many classes of models have distinct shapes."""
_CROSS = "M-4.5,-4.5L4.5,4.5M4.5,-4.5L-4.5,4.5"


def mark_classes(trained: Iterable[str], simple_baselines: Iterable[str]) -> dict[str, str]:
    """The class of each model, which determines its colour and its mark in every chart and table.

    >>> mark_classes(["bert", "roberta"], ["tfidf"])
    {'tfidf': 'baseline', 'bert': 'c0', 'roberta': 'c1'}
    """
    return dict.fromkeys(simple_baselines, BASELINE) | {model: f"c{i % SHAPES}" for i, model in enumerate(trained)}


def add_mark(parent: Element, class_: str, x: float | str, y: float) -> Element:
    """Draw the mark of a class at a point; its horizontal position may be a percentage, such as "40%"."""
    if isinstance(x, str):
        parent = add(parent, "svg", x=x, y=y, overflow="visible")
        return add(parent, "path", class_=_kind(class_), d=_shape(class_))
    return add(parent, "path", class_=_kind(class_), d=_shape(class_), transform=f"translate({x:.1f},{y:.1f})")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a chart, in drawing units.

    Attributes:
        interval: The heights of the interval's ends; None to draw none.
        title: What a browser shows when the pointer is on it.
    """

    x: float
    y: float
    interval: tuple[float, float] | None
    title: str


def add_point(parent: Element, class_: str, point: Point) -> None:
    """Draw a point: its interval, and the mark of its class."""
    add(parent, "title", point.title)
    if point.interval is not None:
        low, high = point.interval
        add(parent, "line", class_="interval thin", x1=point.x, x2=point.x, y1=low, y2=high)
    add_mark(parent, class_, point.x, point.y)


def add_line(group: Element, class_: str, points: Sequence[Point]) -> None:
    """Draw a line through points."""
    add(group, "path", class_="path", d=path([(point.x, point.y) for point in points]))
    for point in points:
        add_point(add(group, "g"), class_, point)


def key(class_: str) -> Markup:
    """The mark of a class, to place before a model's name."""
    root = Element("svg", {"class": f"key {class_}", "viewBox": "-7 -7 14 14", "aria-hidden": "true"})
    add(root, "path", class_=_kind(class_), d=_shape(class_))
    return markup(root)


def _kind(class_: str) -> str:
    if class_ == BASELINE:
        return "mark cross"
    return "mark hollow" if int(class_[1:]) >= len(_OUTLINES) else "mark"


def _shape(class_: str) -> str:
    return _CROSS if class_ == BASELINE else _OUTLINES[int(class_[1:]) % len(_OUTLINES)]
