"""P-values of many differences at once: the levels at which intervals made of several parts touch zero.

The half width of an interval at level alpha is the root of the sum of its parts' squares, each part being a standard
deviation times Student's t (`harness.comparison.statistics`). The alpha at which it equals the difference has no closed
form; Newton's method finds it in log alpha, within a bracket, for all differences together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_P = 1e-30
"""Smaller p-values are meaningless."""
LAST_STEP = 1e-7
"""Newton's method stops after a relative change in the p-value below this; the remaining error is its square."""
MOST_STEPS = 200  # Bisection alone takes fifty.


@dataclass(frozen=True, slots=True)
class Parts:
    """A part of the variance of each of several differences, with its degrees of freedom.

    Attributes:
        variance: The variances [differences]; 0 for differences without such a part.
        freedom: The degrees of freedom [differences].
    """

    variance: Floats
    freedom: Floats

    def squared(self, alpha: Floats) -> tuple[Floats, Floats]:
        """The squared half widths at levels `alpha`, and their derivatives in log alpha [differences]."""
        from scipy.special import gammaln, stdtrit  # noqa: PLC0415 -- only comparing needs it

        half, power = self.freedom / 2, self.freedom / 2 + 0.5
        quantile = -stdtrit(self.freedom, alpha / 2)
        squares = quantile**2
        scale = gammaln(half) - gammaln(power) + np.log(self.freedom * pi) / 2
        inverse_density = np.exp(scale + power * np.log1p(squares / self.freedom))
        return self.variance * squares, -self.variance * quantile * alpha * inverse_density

    def of(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Parts:
        """The parts of some of the differences."""
        return Parts(self.variance[chosen], self.freedom[chosen])


def p_values(distances: Floats, parts: Sequence[Parts]) -> Floats:
    """Compute two-sided p-values, from `SMALLEST_P` to 1 [differences].

    Args:
        distances: The absolute differences [differences].
        parts: The parts of their variances; some part of each is above 0.
    """
    found = np.ones(len(distances))
    apart = np.flatnonzero(distances**2 > 0)
    distances, parts = distances[apart], [part.of(apart) for part in parts]
    reaches = _excess(np.full(len(apart), log(SMALLEST_P)), distances, parts)[0] > 0
    found[apart] = SMALLEST_P
    found[apart[reaches]] = np.exp(_levels(distances[reaches], [part.of(reaches) for part in parts]))
    return found


def _levels(distances: Floats, parts: Sequence[Parts]) -> Floats:
    """The log levels at which intervals reach exactly as far as the distances [differences]."""
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
    """Start values: log levels of a single t with Satterthwaite's (1946) degrees of freedom for all parts together."""
    from scipy.special import stdtr  # noqa: PLC0415 -- as above

    variance = np.asarray(sum(part.variance for part in parts))
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    level = 2 * stdtr(freedom, -distances / np.sqrt(variance))
    return np.asarray(np.log(np.clip(level, SMALLEST_P, 1 - 1e-12)))


def _step(level: Floats, bracket: Floats, distances: Floats, parts: Sequence[Parts]) -> tuple[Floats, Floats]:
    """Take a Newton step, or bisect if it leaves the bracket; return the level and the bracket [2, differences]."""
    excess, slope = _excess(level, distances, parts)
    low, high = np.where(excess > 0, level, bracket[0]), np.where(excess > 0, bracket[1], level)
    with np.errstate(divide="ignore", invalid="ignore"):
        newton = level - excess / slope
    return np.where((low <= newton) & (newton <= high), newton, (low + high) / 2), np.stack([low, high])


def _excess(level: Floats, distances: Floats, parts: Sequence[Parts]) -> tuple[Floats, Floats]:
    """Positive if an interval reaches further than its distance, with the derivative in `level` [differences].

    The logarithm keeps the curve nearly linear even if few degrees of freedom make the width explode.
    """
    alpha = np.exp(level)
    squares, slopes = (sum(each) for each in zip(*(part.squared(alpha) for part in parts), strict=True))
    goal = distances**2
    return np.log1p(squares / goal) - log(2), slopes / (squares + goal)
