"""A logarithmic axis of times."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparison.formatting import duration
from harness.reporting.charts.canvas import Scale

LABEL_WIDTH = 46
SECONDS = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0, 360000.0)
BETWEEN = (3.0, 30.0, 180.0, 1800.0, 10800.0, 2.0, 5.0, 20.0, 120.0, 300.0, 1200.0, 7200.0, 18000.0)


def factor_around(values: Sequence[float]) -> tuple[float, float]:
    """A range slightly wider than all `values`, and at least a factor of four wide."""
    low, high = min(values) / 1.5, max(values) * 1.5
    widen = max(1.0, (4 / (high / low)) ** 0.5)
    return low / widen, high * widen


def time_labels(scale: Scale) -> dict[float, str]:
    """Labels at round times on the scale, rounder ones first, as far as there is room."""
    chosen: list[float] = []
    for time in (*SECONDS, *BETWEEN):
        inside = scale.low <= time <= scale.high
        if inside and all(abs(scale(time) - scale(other)) >= LABEL_WIDTH for other in chosen):
            chosen.append(time)
    return {time: duration(time).replace(".0 ", " ") for time in sorted(chosen)}
