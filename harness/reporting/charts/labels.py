"""Where the labels of points go, so that they hide neither each other nor the points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LETTER_WIDTH, HEIGHT = 7.4, 15.0
GAP = 9.0
SHIFTS = (0.0, -13.0, 13.0, -26.0, 26.0, -39.0, 39.0)


@dataclass(frozen=True, slots=True)
class Label:
    """A label's place: its baseline starts, or ends, at `x`.

    Attributes:
        anchor: SVG's text-anchor, "start" or "end".
    """

    x: float
    y: float
    anchor: str
    width: float

    def overlap(self, other: Label) -> float:
        """The area that both cover."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = HEIGHT - abs(self.y - other.y)
        return max(across, 0.0) * max(down, 0.0)

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x if self.anchor == "start" else self.x - self.width

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width


def placed(names: Sequence[str], points: Sequence[tuple[float, float]], *, left: float, right: float) -> list[Label]:
    """A label beside each point, the first free place of a few, between `left` and `right`."""
    taken = [Label(x - 7, y + 4, "start", 14) for x, y in points]
    labels: list[Label] = []
    for name, (x, y) in zip(names, points, strict=True):
        width = len(name) * LETTER_WIDTH
        options = [
            Label(x + side * GAP, y + 4 + shift, anchor, width)
            for shift in SHIFTS
            for side, anchor in ((1, "start"), (-1, "end"))
        ]
        # `min` keeps the first of equals, and the options nearest to the point come first.
        best = min(options, key=lambda label: _cost(label, [*taken, *labels], left, right))
        labels.append(best)
    return labels


def _cost(label: Label, others: Sequence[Label], left: float, right: float) -> float:
    outside = max(left - label.left, 0.0) + max(label.right - right, 0.0)
    return outside * HEIGHT + sum(label.overlap(other) for other in others)
