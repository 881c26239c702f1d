"""Means over repeats with their intervals, and on which side of a bound an interval lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Literal

LARGEST = 700.0
"""Of a logarithm whose number a float still holds."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its interval; the ends are infinite where nothing is known of its spread."""

    value: float
    low: float
    high: float

    def side(self, bound: float) -> Literal["above", "below", "around"]:
        """Where the interval lies: all of it above the bound, all of it below, or around it."""
        if self.low > bound:
            return "above"
        return "below" if self.high < bound else "around"

    def shown(self, decimals: int = 2, *, factor: float = 1.0) -> str:
        """Such as 1.20 (1.10 to 1.31).

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
    """The mean of repeats, and its interval by Student's t.

    Args:
        values: One of each repeat.
        tests: How many intervals a claim rests on; all of them hold together with 95 % (Bonferroni).
    """
    mean = sum(values) / len(values)
    freedom = len(values) - 1
    if freedom < 1:
        return Interval(mean, -inf, inf)
    error = sqrt(sum((value - mean) ** 2 for value in values) / freedom / len(values))
    half = error * quantile(freedom, tests)
    return Interval(mean, mean - half, mean + half)


def ratio_interval(values: Sequence[float], *, tests: int = 1) -> Interval:
    """The geometric mean of ratios, and its interval: of a ratio and its reciprocal the same is said."""
    found = interval([log(value) for value in values], tests=tests)
    high = exp(min(found.high, LARGEST)) if found.high < inf else inf
    return Interval(exp(found.value), exp(found.low), high)


def quantile(freedom: float, tests: int = 1) -> float:
    """How many standard errors an interval reaches to each side."""
    # What scipy.stats.t calls, without the second that importing scipy.stats takes.
    from scipy.special import stdtrit  # noqa: PLC0415 -- only judging needs it

    from harness.comparison.statistics import SIGNIFICANCE  # noqa: PLC0415 -- numpy

    return -float(stdtrit(freedom, SIGNIFICANCE / tests / 2))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the line through points by least squares."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - mean_x) ** 2 for one in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The power of the size that costs grow by: the slope between their logarithms.

    >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    return slope([log(size) for size in sizes], [log(cost) for cost in costs])
