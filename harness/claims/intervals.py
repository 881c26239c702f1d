"""Means over repeats with confidence intervals, and their position relative to a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Literal

LARGEST = 700.0
"""Largest logarithm (rounded down) whose exponential is a finite float."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its interval, whose ends are infinite if its spread is unknown."""

    value: float
    low: float
    high: float

    def side(self, bound: float) -> Literal["above", "below", "around"]:
        """Return whether the whole interval is above the bound, below it, or neither ("around")."""
        if self.low > bound:
            return "above"
        return "below" if self.high < bound else "around"

    def shown(self, decimals: int = 2, *, factor: float = 1.0) -> str:
        """Format as 1.20 (1.10 to 1.31).

        >>> Interval(1.2, 1.1, 1.31).shown()
        '1.20 (1.10 to 1.31)'
        >>> Interval(-0.012, -0.02, 0.001).shown(1, factor=100)
        '−1.2 (−2.0 to 0.1)'
        >>> Interval(3.0, -inf, inf).shown(1)
        '3.0 (no interval)'
        """
        ends = f"{self.low * factor:.{decimals}f} to {self.high * factor:.{decimals}f}"
        known = ends if self.high < inf else "no interval"
        return f"{self.value * factor:.{decimals}f} ({known})".replace("-", "−")


def interval(values: Sequence[float], *, tests: int = 1) -> Interval:
    """Return the mean of repeats, with its interval by Student's t; of a single one, or of equal ones, it is unknown.

    That a few seeds agree to the last digit, as runs that all collapsed do, does not make their mean certain.

    Args:
        values: One value per repeat.
        tests: Number of intervals of the claim, which hold simultaneously with 95 % confidence (Bonferroni).
    """
    from harness.comparison.statistics import NO_SPREAD  # noqa: PLC0415 -- numpy

    mean = sum(values) / len(values)
    freedom = len(values) - 1
    error = sqrt(sum((value - mean) ** 2 for value in values) / max(freedom, 1) / len(values))
    if error < NO_SPREAD:
        return Interval(mean, -inf, inf)
    half = error * quantile(freedom, tests)
    return Interval(mean, mean - half, mean + half)


def ratio_interval(values: Sequence[float], *, tests: int = 1) -> Interval:
    """Return the geometric mean of ratios, with its interval: consistent for a ratio and its reciprocal."""
    found = interval([log(value) for value in values], tests=tests)
    high = exp(min(found.high, LARGEST)) if found.high < inf else inf
    return Interval(exp(found.value), exp(found.low), high)


def quantile(freedom: float, tests: int = 1) -> float:
    """Return the half-width of an interval in standard errors, by Student's t."""
    # What scipy.stats.t calls, without the second that importing scipy.stats takes.
    from scipy.special import stdtrit  # noqa: PLC0415 -- only judging needs it

    from harness.comparison.statistics import SIGNIFICANCE  # noqa: PLC0415 -- numpy

    return -float(stdtrit(freedom, SIGNIFICANCE / tests / 2))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope of the least-squares line through points."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - mean_x) ** 2 for one in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the power of the size that costs grow with: the slope between their logarithms.

    >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    return slope([log(size) for size in sizes], [log(cost) for cost in costs])
