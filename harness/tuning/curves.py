"""Tuning curves: the quality of the best of n trials, with a simultaneous confidence band.

Source: Lourie, Cho and He 2024, "Show Your Work with Confidence". The curve is that of the median: half of all searches
with n trials find something at least as good. The mean would need bounds on the score, and does not exist if a trial
diverged. The band of the distribution function is that of Learned-Miller and DeStefano 2008, with equal tails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TuningCurve:
    """The best validation score of a search, by number of trials, from 1.

    Attributes:
        typical: The median.
        low: The lower end of the band; the score's own lower bound if nothing is known.
        high: The upper end, or the upper bound.
    """

    typical: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def tuning_curve(scores: Sequence[float | None], *, higher_is_better: bool, least: float, most: float) -> TuningCurve:
    """The curve of trials that were drawn at random.

    Args:
        scores: One score per trial; None, for one that failed or diverged, is worse than any.
        higher_is_better: Whether higher scores are better.
        least: The smallest possible score.
        most: The largest possible score.
    """
    sign = 1.0 if higher_is_better else -1.0
    worst, best = sorted((sign * least, sign * most))
    ranked = np.sort([worst if score is None else sign * score for score in scores])
    counts = np.arange(1, len(ranked) + 1)
    shares = 0.5 ** (1 / counts)
    lower, upper = distribution_band(len(ranked))
    at_or_below = np.arange(len(ranked) + 1) / len(ranked)
    typical = _quantiles(at_or_below, shares, worst, ranked, best)
    ends = _quantiles(upper, shares, worst, ranked, best), _quantiles(lower, shares, worst, ranked, best)
    low, high = ends if higher_is_better else ends[::-1]
    return TuningCurve(*(tuple((sign * values).tolist()) for values in (typical, low, high)))


def _quantiles(at_or_below: Floats, shares: Floats, worst: float, ranked: Floats, best: float) -> Floats:
    """The quantiles at `shares` of a distribution function with values `at_or_below` at the ranked scores [n + 1]."""
    steps = np.concatenate([[worst], ranked, [best]])
    return steps[np.searchsorted(np.append(at_or_below, 1.0), shares - 1e-12)]


@lru_cache
def distribution_band(trials: int) -> tuple[Floats, Floats]:
    """Bounds of a distribution function between its order statistics, from below the first to above the last [n + 1].

    They hold jointly in 95 % of all samples of a continuous distribution, and in more for other distributions.
    """
    from scipy import stats  # noqa: PLC0415 -- who compares untuned models need not wait for it
    from scipy.optimize import brentq  # noqa: PLC0415 -- likewise

    ranks = np.arange(1, trials + 1)

    def ends(tail: float) -> tuple[Floats, Floats]:
        place = stats.beta(ranks, trials + 1 - ranks)
        return place.ppf(tail), place.ppf(1 - tail)

    def excess(logarithm: float) -> float:
        return chance_inside(*ends(math.exp(logarithm))) - CONFIDENCE

    widest, narrowest = (1 - CONFIDENCE) / 2 / trials, (1 - CONFIDENCE) / 2
    tail = narrowest if trials == 1 else math.exp(brentq(excess, math.log(widest), math.log(narrowest), xtol=1e-5))
    lower, upper = ends(tail)
    return np.concatenate([[0.0], lower]), np.concatenate([upper, [1.0]])


def chance_inside(lower: Floats, upper: Floats) -> float:
    """The probability that each of n ordered uniform variables lies between its bounds [n], which ascend.

    Source: Noé 1972, as a Markov chain in the number of variables below each bound. They are the points of a Poisson
    process that has n of them, so that what happens between two bounds is independent of what came before.
    """
    from scipy import stats  # noqa: PLC0415 -- who compares untuned models need not wait for it

    trials = len(lower)
    counts = np.arange(trials + 1)
    chances, before = (counts == 0).astype(float), 0.0
    for bound in np.unique([*lower, *upper, 1.0]):
        chances = np.convolve(chances, stats.poisson.pmf(counts, trials * (bound - before)))[: trials + 1]
        fewest, most = int(np.sum(upper <= bound)), int(np.sum(lower < bound))
        chances[(counts < fewest) | (counts > most)] = 0.0
        before = bound
    return float(chances[trials] / stats.poisson.pmf(trials, trials))
