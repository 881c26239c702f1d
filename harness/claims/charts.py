"""A claim's chart: a line per name over a logarithmic axis, each point with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, log10

from markupsafe import Markup

from harness.claims.claim import Chart
from harness.claims.intervals import Interval
from harness.reporting.charts.canvas import (
    WIDTH,
    Scale,
    add,
    around,
    drawing,
    horizontal_axis,
    markup,
    plain,
    vertical_axis,
)
from harness.reporting.charts.marks import Point, add_line, mark_classes

LEFT, RIGHT, TOP, BOTTOM = 46, WIDTH - 16, 14, 190
INSIDE = 18
MOST_LABELS = 8


def line_chart(chart: Chart) -> Markup:
    """Draw the chart as SVG."""
    points = [point for line in chart.lines.values() for point in line]
    root = drawing(BOTTOM + 40, f"{chart.title}, by {chart.across}")
    sizes = sorted({size for size, _ in points})
    x = Scale(sizes[0], sizes[-1], LEFT + INSIDE, RIGHT - INSIDE, is_log=True)
    horizontal_axis(root, x, top=TOP, bottom=BOTTOM, title=chart.across, labels={s: f"{s:,.0f}" for s in sizes})
    y = _vertical(chart, points)
    labels = _powers(y) if chart.is_log else plain(y.ticks())
    vertical_axis(root, y, left=LEFT, right=RIGHT, labels=labels)
    if chart.reference is not None:
        level = y(chart.reference)
        add(root, "line", class_="baseline-line", x1=LEFT, x2=RIGHT, y1=level, y2=level)
    for name, class_ in mark_classes(chart.lines, ()).items():
        add_line(add(root, "g", class_=class_), class_, [_point(name, *one, x, y) for one in chart.lines[name]])
    return markup(root)


def _vertical(chart: Chart, points: Sequence[tuple[float, Interval]]) -> Scale:
    ends = [end for _, found in points for end in (found.low, found.value, found.high) if abs(end) < inf]
    ends += [] if chart.reference is None else [chart.reference]
    if not chart.is_log:
        return Scale(*around(ends), BOTTOM, TOP)
    above = [end for end in ends if end > 0]
    return Scale(min(above) / 1.15, max(above) * 1.15, BOTTOM, TOP, is_log=True)


def _powers(y: Scale) -> Mapping[float, str]:
    """Return round values and their labels on a logarithmic axis, as many as have room."""
    powers = range(int(log10(y.low)) - 2, int(log10(y.high)) + 2)
    found: dict[float, str] = {}
    for factors in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        values = [factor * 10.0**power for power in powers for factor in factors]
        found = {value: f"{value:,.4g}" for value in values if y.low <= value <= y.high}
        if len(found) <= MOST_LABELS:
            break
    return found


def _point(name: str, size: float, found: Interval, x: Scale, y: Scale) -> Point:
    is_drawn = found.high < inf and not (y.is_log and found.low <= 0)
    ends = (y(found.low), y(found.high)) if is_drawn else None
    return Point(x(size), y(found.value), ends, f"{name}: {found.shown(3)} at {size:,.0f}")
