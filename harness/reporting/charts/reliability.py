"""Reliability curves: how often forecasts of each probability came true."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.error_analysis.probabilities import Reliability, bin_interval
from harness.reporting.charts.canvas import Scale, add, drawing, horizontal_axis, markup, path, vertical_axis

SIDE, LEFT, TOP = 190, 40, 10
LABELS = {0.0: "0", 0.25: "25", 0.5: "50", 0.75: "75", 1.0: "100"}
FEW = 5
"""Bins with fewer forecasts are noise, and are left out."""


def reliability_curves(found: Mapping[str, Reliability], classes: Mapping[str, str]) -> dict[str, Markup]:
    """A small chart per model; below the diagonal a model is overconfident."""
    return {model: _chart(model, one, classes.get(model, "")) for model, one in found.items()}


def _chart(model: str, found: Reliability, class_: str) -> Markup:
    bottom, right = TOP + SIDE, LEFT + SIDE
    chart = drawing(bottom + 42, f"{model}: what share of forecasts came true, by their probability", width=right + 20)
    x, y = Scale(0.0, 1.0, LEFT, right), Scale(0.0, 1.0, bottom, TOP)
    horizontal_axis(chart, x, top=TOP, bottom=bottom, title="probability, %", labels=LABELS)
    vertical_axis(chart, y, left=LEFT, right=right, labels=LABELS)
    add(chart, "line", class_="baseline-line", x1=LEFT, x2=right, y1=bottom, y2=TOP)
    group = add(chart, "g", class_=class_)
    shown = [one for one in found.bins if one.forecasts >= FEW]
    if shown:
        add(group, "path", class_="path", d=path([(x(one.probability), y(one.share)) for one in shown]))
    for one in shown:
        low, high = bin_interval(one, found.seeds)
        title = f"{one.forecasts:,} forecasts of {one.probability:.0%} on average; {one.share:.0%} came true"
        _point(group, title, x(one.probability), [y(low), y(one.share), y(high)])
    return markup(chart)


def _point(group: Element, title: str, across: float, ends: list[float]) -> None:
    point = add(group, "g")
    add(point, "title", title)
    add(point, "line", class_="interval thin", x1=across, x2=across, y1=ends[0], y2=ends[2])
    add(point, "circle", class_="dot", cx=across, cy=ends[1], r=3.5)
