"""The interval of a score, on the scale on which it is nearest to symmetric, so that it stays inside the score's range.

Shares are put on the logit scale, correlations on Fisher's (atanh), errors on the logarithm's, by the delta method.
Where nearly all examples are right, or nearly none, the examples' part is Wilson's (1927) with the effective number of
examples (Korn and Graubard 1998), which is an interval at 100 %, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, exp, inf, isfinite, log, sqrt, tanh

FEW_EXCEPTIONS = 5.0
"""Fewer effective examples than these are right, or wrong: the logit scale is not symmetric enough."""
FARTHEST = 100.0
"""An error with a half width so many times as large, or more, is left on its own scale: exp would leave the numbers."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a score may be off.

    Attributes:
        examples: Half the width that the examples make, on the score's own scale.
        seeds: Half the width that the seeds make.
        variance: The examples' part of the variance.
        clusters: The effective number of clusters, which stands for that of examples where these show no spread.
        quantile: Student's t of the examples' part.
    """

    examples: float
    seeds: float
    variance: float
    clusters: float
    quantile: float


def interval(value: float, spread: Spread, least: float, most: float) -> tuple[float, float] | None:
    """The ends of the interval of a score between `least` and `most`; None where it shows no spread at all."""
    if (least, most) == (0.0, 1.0):
        return _of_share(value, spread)
    width = sqrt(spread.examples**2 + spread.seeds**2)
    if width < 1e-12:
        return None
    if (least, most) == (-1.0, 1.0) and abs(value) < 1:
        centre, slope = atanh(value), 1 / (1 - value**2)
        return tanh(centre - slope * width), tanh(centre + slope * width)
    if isfinite(least) and most == inf and width < FARTHEST * (value - least):
        factor = exp(width / (value - least))
        return least + (value - least) / factor, least + (value - least) * factor
    return max(value - width, least), min(value + width, most)


def _of_share(value: float, spread: Spread) -> tuple[float, float] | None:
    effective = spread.clusters if spread.variance < 1e-24 else value * (1 - value) / spread.variance
    if effective * min(value, 1 - value) >= FEW_EXCEPTIONS:
        width = sqrt(spread.examples**2 + spread.seeds**2)
        if width < 1e-12:
            return None
        slope = width / (value * (1 - value))
        return _share(_logit(value) - slope), _share(_logit(value) + slope)
    if effective <= 0:
        return None
    low, high = _wilson(value, effective, spread.quantile)
    if not 0 < value < 1:  # All seeds agree, for their mean is at the end.
        return (low, 1.0) if value >= 1 else (0.0, high)
    centre, seeds = _logit(value), spread.seeds / (value * (1 - value))
    below, above = sqrt((centre - _logit(low)) ** 2 + seeds**2), sqrt((_logit(high) - centre) ** 2 + seeds**2)
    return _share(centre - below), _share(centre + above)


def _wilson(value: float, count: float, quantile: float) -> tuple[float, float]:
    squared = quantile**2 / count
    centre = (value + squared / 2) / (1 + squared)
    half = sqrt(value * (1 - value) * squared + squared**2 / 4) / (1 + squared)
    return max(centre - half, 1e-12), min(centre + half, 1 - 1e-12)


def _logit(share: float) -> float:
    return log(share / (1 - share))


def _share(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit > -700 else 0.0  # exp goes no further
