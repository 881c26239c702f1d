"""Drawing primitives of all charts: an SVG root, scales, ticks, axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from harness.metrics.metric import LARGE

WIDTH = 340
"""Width of the drawings in units: about as wide as a phone, where font sizes are then as stated."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to positions in the drawing.

    Attributes:
        low: The value at `start`.
        high: The value at `end`.
        is_log: Whether the scale is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """The position of `value`, in drawing units."""
        low, high, value = (math.log(v) if self.is_log else v for v in (self.low, self.high, value))
        return self.start + (value - low) / ((high - low) or 1.0) * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values between the ends, evenly spaced."""
        rough = (self.high - self.low) / count or 1.0
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.99)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


def around(values: Sequence[float], *, margin: float = 0.06) -> tuple[float, float]:
    """A range that holds all `values` with a margin."""
    low, high = min(values), max(values)
    extra = (high - low) * margin or abs(high) * margin or 1.0
    return low - extra, high + extra


def drawing(height: float, description: str, *, width: float = WIDTH) -> Element:
    """An empty chart that a screen reader announces by `description`."""
    return Element(
        "svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": description, "class": "chart"}
    )


def add(parent: Element, tag: str, text: str = "", /, **attributes: str | float) -> Element:
    """Add a child to `parent`; `stroke_width` sets the attribute stroke-width, `class_` the class."""
    names = {key.rstrip("_").replace("_", "-"): _shown(value) for key, value in attributes.items()}
    child = SubElement(parent, tag, names)
    child.text = text or None
    return child


def path(points: Sequence[tuple[float, float]]) -> str:
    """Join points by lines, as the `d` of a path."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def horizontal_axis(
    chart: Element, scale: Scale, *, top: float, bottom: float, title: str, labels: Mapping[float, str]
) -> None:
    """Draw vertical grid lines at the labelled values, their labels below, and the axis title."""
    for value, label in labels.items():
        x = scale(value)
        add(chart, "line", class_="grid", x1=x, x2=x, y1=top, y2=bottom)
        add(chart, "text", label, class_="tick", x=x, y=bottom + 16, text_anchor="middle")
    add(chart, "text", title, class_="axis", x=(scale.start + scale.end) / 2, y=bottom + 34, text_anchor="middle")


def vertical_axis(chart: Element, scale: Scale, *, left: float, right: float, labels: Mapping[float, str]) -> None:
    """Draw horizontal grid lines at the labelled values, with labels on the left."""
    for value, label in labels.items():
        y = scale(value)
        add(chart, "line", class_="grid", x1=left, x2=right, y1=y, y2=y)
        add(chart, "text", label, class_="tick", x=left - 6, y=y + 4, text_anchor="end")


def markup(chart: Element) -> Markup:
    """The chart for a page, with all text escaped."""
    return Markup(tostring(chart, encoding="unicode"))


def plain(values: Sequence[float]) -> dict[float, str]:
    """Label values with as many decimals or, if they are large or small, digits as distinguish them.

    >>> plain([0.0, 0.5, 1.0])
    {0.0: '0.0', 0.5: '0.5', 1.0: '1.0'}
    >>> plain([0.0, 2e-9]), plain([0.0, 2e10])
    ({0.0: '0', 2e-09: '2e−09'}, {0.0: '0', 20000000000.0: '2e+10'})
    >>> plain([2345678.0, 2345679.0])
    {2345678.0: '2345678', 2345679.0: '2345679'}
    """
    largest = max(map(abs, values), default=0.0)
    if largest >= LARGE or 0 < largest < 1e-3:
        every = ([f"{value:.{digits}g}".replace("-", "−") for value in values] for digits in range(4, 18))
        return dict(zip(values, next(texts for texts in every if len({*texts}) == len({*values})), strict=True))
    decimals = next((d for d in range(6) if all(math.isclose(v, round(v, d), abs_tol=1e-9) for v in values)), 6)
    return {value: f"{value:.{decimals}f}".replace("-", "−") for value in values}


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
