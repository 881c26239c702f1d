"""P-values of differences, many at once: the levels at which intervals made of several parts touch zero.

The half width of an interval at the level alpha is the root of its parts' squares, each part's standard deviation times
Student's t (`harness.comparison.statistics`). Which alpha makes it as wide as a difference has no closed form, so it is
found by Newton's method in the logarithm of alpha, within a bracket, for all differences together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_P = 1e-30
"""Below that a p-value is a number without meaning."""
LAST_STEP = 1e-7
"""Newton's method has arrived after a step that changes a p-value by less, relatively: what is left is its square."""
MOST_STEPS = 200  # Halving the bracket alone takes fifty.


@dataclass(frozen=True, slots=True)
class Parts:
    """A part of the variance of each of several differences, and the degrees of freedom it was estimated with.

    Attributes:
        variance: [differences]; 0 where a difference has no such part.
        freedom: [differences].
    """

    variance: Floats
    freedom: Floats

    def squared(self, alpha: Floats) -> tuple[Floats, Floats]:
        """The squares of the half widths at the levels `alpha`, and their slopes in its logarithm [differences]."""
        from scipy.special import gammaln, stdtrit  # noqa: PLC0415 -- only comparing needs it

        half, power = self.freedom / 2, self.freedom / 2 + 0.5
        quantile = -stdtrit(self.freedom, alpha / 2)
        squares = quantile**2
        scale = gammaln(half) - gammaln(power) + np.log(self.freedom * pi) / 2
        inverse_density = np.exp(scale + power * np.log1p(squares / self.freedom))
        return self.variance * squares, -self.variance * quantile * alpha * inverse_density

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Parts:
        """Those of some of the differences."""
        return Parts(self.variance[chosen], self.freedom[chosen])


def p_values(distances: Floats, parts: Sequence[Parts]) -> Floats:
    """Two-sided p-values, from `SMALLEST_P` to 1 [differences].

    Args:
        distances: The differences, without their signs [differences].
        parts: What their variances are made of; some part of each is above 0.
    """
    found = np.ones(len(distances))
    apart = np.flatnonzero(distances**2 > 0)
    distances, parts = distances[apart], [part.of(apart) for part in parts]
    reaches = _excess(np.full(len(apart), log(SMALLEST_P)), distances, parts)[0] > 0
    found[apart] = SMALLEST_P
    found[apart[reaches]] = np.exp(_levels(distances[reaches], [part.of(reaches) for part in parts]))
    return found


def _levels(distances: Floats, parts: Sequence[Parts]) -> Floats:
    """The logarithms of the levels at which intervals reach exactly as far as the distances [differences]."""
    found = _start(distances, parts)
    bracket, left = np.stack([np.full(len(found), log(SMALLEST_P)), np.zeros(len(found))]), np.arange(len(found))
    for _ in range(MOST_STEPS):
        if not len(left):
            break
        after, bracket = _step(found[left], bracket, distances, parts)
        moves = np.abs(after - found[left]) > LAST_STEP
        found[left] = after
        left, bracket, distances = left[moves], bracket[:, moves], distances[moves]
        parts = [part.of(moves) for part in parts]
    return np.asarray(found)


def _start(distances: Floats, parts: Sequence[Parts]) -> Floats:
    """The logarithms of the levels of one t with Satterthwaite's (1946) degrees of freedom for all parts together."""
    from scipy.special import stdtr  # noqa: PLC0415 -- as above

    variance = np.asarray(sum(part.variance for part in parts))
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    level = 2 * stdtr(freedom, -distances / np.sqrt(variance))
    return np.asarray(np.log(np.clip(level, SMALLEST_P, 1 - 1e-12)))


def _step(level: Floats, bracket: Floats, distances: Floats, parts: Sequence[Parts]) -> tuple[Floats, Floats]:
    """Where Newton's method goes from `level`, or the bracket's middle, and the bracket [2, differences]."""
    excess, slope = _excess(level, distances, parts)
    low, high = np.where(excess > 0, level, bracket[0]), np.where(excess > 0, bracket[1], level)
    with np.errstate(divide="ignore", invalid="ignore"):
        newton = level - excess / slope
    return np.where((low <= newton) & (newton <= high), newton, (low + high) / 2), np.stack([low, high])


def _excess(level: Floats, distances: Floats, parts: Sequence[Parts]) -> tuple[Floats, Floats]:
    """Above 0 where an interval reaches further than its distance, and the slope of that in `level` [differences].

    The logarithm keeps the curve near a line where few degrees of freedom make the width explode.
    """
    alpha = np.exp(level)
    squares, slopes = (sum(each) for each in zip(*(part.squared(alpha) for part in parts), strict=True))
    goal = distances**2
    return np.log1p(squares / goal) - log(2), slopes / (squares + goal)
