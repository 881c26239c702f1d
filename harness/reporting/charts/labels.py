"""Place the labels of points so that they hide neither each other nor the points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

LETTER_WIDTH, HEIGHT = 6.9, 14.0
BELOW = 3.0  # of the baseline
GAP = 9.0
STEP = 8.0  # between the areas along a line
SHIFTS = (0.0, -12.0, 12.0, -24.0, 24.0, -36.0, 36.0)
LEAST_SEEN = 8.0
"""Smaller overlaps are just touching corners."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Label:
    """The area of a label or another item: its baseline starts or ends at `x`.

    Attributes:
        anchor: SVG's text-anchor, "start" or "end".
    """

    x: float
    y: float
    anchor: str
    width: float
    height: float = HEIGHT

    def overlap(self, other: Label) -> float:
        """The area of the intersection."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.y, other.y) - max(self.y - self.height, other.y - other.height)
        return max(across, 0.0) * max(down, 0.0)

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x if self.anchor == "start" else self.x - self.width

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width


def vertical_line(x: float, top: float, bottom: float) -> Label:
    """The area of a vertical line, such as that of an interval."""
    return Label(x - 2, max(top, bottom), "start", 4, abs(bottom - top))


def along(points: Sequence[Point]) -> list[Label]:
    """The areas along a line through points."""
    found = []
    for (x0, y0), (x1, y1) in pairwise(points):
        count = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / STEP))
        for part in range(count):
            share = (part + 0.5) / count
            found.append(Label(x0 + share * (x1 - x0) - 2, y0 + share * (y1 - y0) + 2, "start", 4, 4))
    return found


def placed(
    names: Sequence[str], points: Sequence[Point], *, left: float, right: float, lines: Sequence[Label] = ()
) -> list[Label | None]:
    """Place a label next to each point, between `left` and `right`, in the first free position; None if there is none.

    Args:
        names: The texts of the labels.
        points: The labelled points.
        left: The left end of the drawing.
        right: The right end.
        lines: Areas of lines, which labels avoid if they can.
    """
    taken = [Label(x - 7, y + 7, "start", 14) for x, y in points]
    labels: list[Label | None] = []
    for name, (x, y) in zip(names, points, strict=True):
        options = [
            Label(x + side * GAP, y + 4 + shift + BELOW, anchor, len(name) * LETTER_WIDTH)
            for shift in SHIFTS
            for side, anchor in ((1, "start"), (-1, "end"))
        ]
        hard = [*taken, *(label for label in labels if label is not None)]
        best = _cheapest((_cost(one, hard, left, right) * 100 + _covered(one, lines), one) for one in options)
        labels.append(best if _cost(best, hard, left, right) <= LEAST_SEEN else None)
    return labels


def in_column(heights: Sequence[float], *, top: float, bottom: float) -> list[float]:
    """The heights of labels in a column, each as close to its own as possible, without overlap.

    Args:
        heights: The height of each labelled item.
        top: The top of the column.
        bottom: The bottom; there is room for all labels.
    """
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    lowest, found = top - HEIGHT, [0.0] * len(heights)
    for place in order:  # downwards, and then back if the last ones left the column at the bottom
        found[place] = lowest = max(heights[place], lowest + HEIGHT)
    highest = bottom + HEIGHT
    for place in reversed(order):
        found[place] = highest = min(found[place], highest - HEIGHT)
    return found


def shortened(name: str, most: int) -> str:
    """Shorten a name to at most `most` letters, leaving out its middle.

    >>> shortened("google-bert/bert-base-uncased", 14)
    'google-…ncased'
    """
    first = most // 2
    return name if len(name) <= most else f"{name[:first]}…{name[first + 1 - most :]}"


def _cheapest(costs: Iterable[tuple[float, Label]]) -> Label:
    """Return the first of the cheapest labels, given with their costs; none costs less than 0."""
    found: list[tuple[float, Label]] = []
    for pair in costs:
        found.append(pair)
        if pair[0] == 0:
            break
    return min(found, key=lambda pair: pair[0])[1]


def _cost(label: Label, others: Sequence[Label], left: float, right: float) -> float:
    outside = max(left - label.left, 0.0) + max(label.right - right, 0.0)
    return outside * HEIGHT + _covered(label, others)


def _covered(label: Label, others: Sequence[Label]) -> float:
    return sum(label.overlap(other) for other in others)
