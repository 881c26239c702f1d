"""Calibration of probabilities: the expected calibration error, the Brier score, and the reliability curve.

The error is that of Guo et al. 2017, "On calibration of modern neural networks", with 15 bins of equal width. It is
never negative, so that on few examples it is above 0 even for a perfect model. Its interval is a bootstrap over
clusters of examples, reflected at the estimate, which removes that bias ("basic", Davison and Hinkley 1997, section
5.2). It starts at 0 if the gaps of the bins are no larger than the 95th percentile of their changes over resamples.
It ends no earlier than that of the mean gap between probabilities and outcomes, which is at most the error: reflected
alone, it would be too short where few bins have forecasts, and their gaps happen to be small.
If nearly all forecasts come true, or nearly none, resamples show too little of what other examples could: then the
interval also has room for every share of forecasts in Wilson's interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.comparison.intervals import FEW_EXCEPTIONS, wilson
from harness.comparison.rescoring import by_cluster, clusters_of, shares_of
from harness.comparison.statistics import SHARED_TRAINING, Estimate, Evidence, Floats
from harness.comparison.subsets import Answers, mean_of
from harness.error_analysis.answered import AnsweredTask
from harness.metrics.influence import of_mean
from harness.metrics.metric import Unit
from harness.task_types.analysed import Forecasts

BRIER = Unit(1, 3, least=0.0)
BINS = 15
RESAMPLES = 500
MOST_CLUSTERS = 2000
"""More clusters are resampled in this many blocks, which are as independent."""
NORMAL_95 = 1.96
SEED = 0


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts of similar probability.

    Attributes:
        forecasts: The number of forecasts, over all seeds.
        probability: The mean probability.
        share: The fraction that came true.
    """

    forecasts: int
    probability: float
    share: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The calibration of a model's probabilities, the mean over seeds.

    Attributes:
        error: The expected calibration error, with an interval for other test examples.
        brier: The Brier score, with the same kind of interval as the report's scores; none if only some seeds
            collapsed.
        bins: The reliability curve.
        seeds: The number of seeds, whose forecasts for an example depend on each other.
    """

    error: Estimate
    brier: Estimate
    bins: tuple[Bin, ...]
    seeds: int = 1


def reliability(task: AnsweredTask, answers: Answers) -> Reliability | None:
    """Compute the calibration of a model's probabilities; None if its predictions do not contain them."""
    found = [task.task_type.forecasts(table, answers.labels) for table in answers.tables]
    forecasts = [one for one in found if one is not None]
    if len(forecasts) < len(found):
        return None
    clusters = clusters_of(answers.tables[0]["group"])
    error = replace(calibration_error(forecasts, clusters), includes_seeds=answers.is_deterministic)
    return Reliability(error, _brier(forecasts, clusters, answers), _bins(forecasts), len(forecasts))


def _bins(forecasts: Sequence[Forecasts]) -> tuple[Bin, ...]:
    sums = np.sum([_sums(one, np.zeros(len(one.squares), dtype=np.int64))[0] for one in forecasts], axis=0)
    return tuple(
        Bin(int(count), float(probability / count), float(outcome / count))
        for count, probability, outcome in sums.T
        if count
    )


def _sums(forecasts: Forecasts, clusters: NDArray[np.int64]) -> Floats:
    """Sum by cluster and bin: the number of forecasts, their probabilities, and the outcomes."""
    bins = np.minimum((forecasts.probabilities * BINS).astype(np.int64), BINS - 1)
    places = clusters[forecasts.examples] * BINS + bins
    size = (int(clusters.max()) + 1) * BINS
    weights = (np.ones_like(forecasts.probabilities), forecasts.probabilities, forecasts.outcomes)
    sums = [np.bincount(places, weights=weight, minlength=size).reshape(-1, BINS) for weight in weights]
    return np.stack(sums, axis=1)


def _errors(sums: Floats) -> Floats:
    """Compute the expected calibration error from sums [..., 3, bins]."""
    return np.asarray(np.abs(sums[..., 2, :] - sums[..., 1, :]).sum(-1) / sums[..., 0, :].sum(-1))


def calibration_error(forecasts: Sequence[Forecasts], clusters: NDArray[np.int64]) -> Estimate:
    """Compute the expected calibration error, the mean over seeds, with an interval for other test examples.

    Args:
        forecasts: The forecasts of each seed.
        clusters: The cluster of each example [examples].
    """
    blocks = clusters % MOST_CLUSTERS
    sums = np.stack([_sums(one, blocks) for one in forecasts], axis=1)  # [blocks, seeds, 3, bins]
    whole = sums.sum(axis=0)
    value, gaps, total = float(_errors(whole).mean()), whole[:, 2] - whole[:, 1], whole[:, 0].sum(-1)
    resampled = _resampled(sums)
    drawn = _errors(resampled).mean(axis=1)
    moved = (np.abs(resampled[:, :, 2] - resampled[:, :, 1] - gaps).sum(-1) / total).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    is_within_noise = value <= float(np.quantile(moved, 0.95))
    most = max(2 * value - low, value, _largest_mean_gap(resampled))
    ends = (0.0 if is_within_noise else max(2 * value - high, 0.0), min(most, 1.0))
    if _exceptions(sums) < FEW_EXCEPTIONS:
        ends = _with_room(ends, whole, int(clusters.max()) + 1)
    return Estimate(value, float(np.std(drawn)), *ends, None, includes_seeds=False)


def _largest_mean_gap(resampled: Floats) -> float:
    """The end farther from 0 of the 95 % interval of the mean gap, which is at most the error."""
    sums = resampled.sum(-1)  # [resamples, seeds, 3]
    gaps = ((sums[:, :, 2] - sums[:, :, 1]) / sums[:, :, 0]).mean(axis=1)
    return float(np.abs(np.quantile(gaps, [0.025, 0.975])).max())


def _exceptions(sums: Floats) -> float:
    """Count the clusters with a forecast that did not come true, or those with one that did if they are fewer."""
    forecasts, outcomes = sums[:, :, 0].sum(-1), sums[:, :, 2].sum(-1)
    return float(np.minimum((outcomes < forecasts).sum(0), (outcomes > 0).sum(0)).mean())


def _with_room(ends: tuple[float, float], whole: Floats, clusters: int) -> tuple[float, float]:
    """Widen the interval to the errors that result if the share of forecasts that come true is another plausible one.

    Args:
        ends: The ends of the interval.
        whole: The sums of all forecasts [seeds, 3, bins].
        clusters: The number of clusters, which count as so many independent forecasts.
    """
    forecasts, probability, share = (float(whole[:, part].sum()) for part in range(3))
    least, most = wilson(share / forecasts, clusters, NORMAL_95)
    low = max(probability / forecasts - most, least - probability / forecasts, 0.0)
    gaps = whole[:, 2] - whole[:, 1]
    moved = [np.abs(gaps + (end - share / forecasts) * whole[:, 0]).sum() / forecasts for end in (least, most)]
    return min(ends[0], low), max(ends[1], *map(float, moved))


def _resampled(sums: Floats) -> Floats:
    """Resample sums over clusters [resamples, seeds, 3, bins]."""
    return np.asarray((_weights(len(sums)) @ sums.reshape(len(sums), -1)).reshape(RESAMPLES, *sums.shape[1:]))


@lru_cache(maxsize=1)  # All models of a task are tested on the same clusters.
def _weights(count: int) -> Floats:
    """Draw how often each of `count` clusters is in a resample [resamples, clusters]."""
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return drawn.astype(np.float64)


def _brier(forecasts: Sequence[Forecasts], clusters: NDArray[np.int64], answers: Answers) -> Estimate:
    scored = [of_mean(one.squares) for one in forecasts]
    evidence = Evidence(
        np.array([score for score, _ in scored]),
        np.stack([by_cluster(influences, clusters) for _, influences in scored]),
        deterministic=answers.is_deterministic,
        shares=shares_of(clusters),
        inflation=SHARED_TRAINING if answers.has_folds else 1.0,
    )
    return mean_of(answers, evidence, BRIER)


def bin_interval(one: Bin, seeds: int = 1) -> tuple[float, float]:
    """Compute Wilson's interval of a bin's fraction, with the forecasts of one seed taken as independent, for plots."""
    return wilson(one.share, one.forecasts / seeds, NORMAL_95)
