"""The interval of a score, on a scale where it is nearly symmetric, so that it stays within the range of the score.

By the delta method: shares use the logit scale, correlations Fisher's (atanh), errors the logarithm. If nearly all
examples are right, or nearly none, the part of the examples is Wilson's (1927) with the effective number of examples
(Korn and Graubard 1998), which gives an interval even at 100 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, exp, inf, isfinite, log, sqrt, tanh

FEW_EXCEPTIONS = 5.0
"""With fewer effective examples right or wrong than this, the logit scale is not symmetric enough."""
FARTHEST = 10.0
"""Errors whose relative half width is this or more stay on their own scale: the logarithm would give absurd ends."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The uncertainty of a score.

    Attributes:
        examples: Half width due to the examples, on the score's own scale.
        seeds: Half width due to the seeds.
        variance: Variance due to the examples.
        clusters: Effective number of clusters, used instead of the number of examples if these show no variation.
        quantile: Student's t quantile for the examples.
    """

    examples: float
    seeds: float
    variance: float
    clusters: float
    quantile: float


def interval(value: float, spread: Spread, least: float, most: float) -> tuple[float, float] | None:
    """The ends of the interval of a score between `least` and `most`; None if it shows no variation at all.

    A share near 0 or 1 has Wilson's interval even without variation.
    """
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
    low, high = wilson(value, effective, spread.quantile)
    low, high = max(low, 1e-12), min(high, 1 - 1e-12)
    if not 0 < value < 1:  # All seeds agree, because their mean is at the end.
        return (low, 1.0) if value >= 1 else (0.0, high)
    centre, seeds = _logit(value), spread.seeds / (value * (1 - value))
    below, above = sqrt((centre - _logit(low)) ** 2 + seeds**2), sqrt((_logit(high) - centre) ** 2 + seeds**2)
    return _share(centre - below), _share(centre + above)


def wilson(value: float, count: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval (1927) of a share of `count` independent cases.

    >>> [round(end, 4) for end in wilson(1.0, 10, 1.96)]
    [0.7225, 1.0]
    """
    squared = quantile**2 / count
    centre = (value + squared / 2) / (1 + squared)
    half = sqrt(value * (1 - value) * squared + squared**2 / 4) / (1 + squared)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _logit(share: float) -> float:
    return log(share / (1 - share))


def _share(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit > -700 else 0.0  # exp would overflow
