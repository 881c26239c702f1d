"""Influence values: how much one test example changes a metric.

A metric that is a smooth function of sums over examples is, near the data, the mean of one value per example: the
derivative of the metric by that example's weight (Hampel 1974; Efron 1982, chapter 6, the infinitesimal jackknife).
The variance of these values is the sampling variance of the metric, and they can be paired over examples like plain
scores. For a metric that is a mean, the influence is the example's score minus the mean.

All functions take references and predictions [examples, columns] (an indicator per label, or columns of numbers), and
return the score and the influences [examples], which add up to zero.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.metrics.metric import Floats, Scored

OfMatrices = Callable[[Floats, Floats], Scored]


def of_mean(values: Floats) -> Scored:
    """Compute the mean of per-example scores [examples]."""
    score = float(values.mean())
    return score, values - score


def accuracy(references: Floats, predictions: Floats) -> Scored:
    """Compute the fraction of examples with all labels right."""
    return of_mean((references == predictions).all(axis=1).astype(float))


def mean_squared_error(references: Floats, predictions: Floats) -> Scored:
    """Compute the mean squared error."""
    return of_mean(((references - predictions) ** 2).mean(axis=1))


def f1(references: Floats, predictions: Floats) -> Scored:
    """Compute F1 of the second label, the positive one."""
    return _f1_of_columns(references[:, 1:2], predictions[:, 1:2])


def micro_f1(references: Floats, predictions: Floats) -> Scored:
    """Compute F1 over the decisions on all labels."""
    right, total = (references * predictions).sum(axis=1), (references + predictions).sum(axis=1)
    score, influences = ratio(2 * right[:, None], total[:, None])
    return float(score[0]), influences[:, 0]


def macro_f1(references: Floats, predictions: Floats) -> Scored:
    """Compute the mean of the labels' F1; a label that never occurs has 0."""
    return _f1_of_columns(references, predictions)


def with_none(scored: OfMatrices) -> OfMatrices:
    """Extend `scored` by "no label" as a further label (Chalkidis et al. 2022, LexGLUE)."""

    def extended(labels: Floats) -> Floats:
        return np.column_stack([labels, labels.sum(axis=1) == 0])

    return lambda references, predictions: scored(extended(references), extended(predictions))


def correlation(references: Floats, predictions: Floats) -> Scored:
    """Compute Pearson's r; on label indicators, Matthews' coefficient (Gorodkin 2004). 0 if either side is constant.

    Source: Devlin, Gnanadesikan and Kettenring 1975, for the influence of one observation on r.
    """
    x, y = references - references.mean(axis=0), predictions - predictions.mean(axis=0)
    spread_x, spread_y = float((x**2).sum(axis=1).mean()), float((y**2).sum(axis=1).mean())
    if _is_constant(references, spread_x) or _is_constant(predictions, spread_y):
        return 0.0, np.zeros(len(x))
    scale = np.sqrt(spread_x * spread_y)
    products = (x * y).sum(axis=1) / scale
    r = float(products.mean())
    return r, products - r / 2 * ((x**2).sum(axis=1) / spread_x + (y**2).sum(axis=1) / spread_y)


def _is_constant(values: Floats, spread: float) -> bool:
    """Return whether values differ only by rounding, given their variance."""
    return spread <= 1e-28 * float((values**2).sum(axis=1).mean())


def spearman(references: Floats, predictions: Floats) -> Scored:
    """Compute Pearson's r of the ranks; NaN if a number is not finite.

    An example changes it by its own ranks, and by shifting the ranks above it.
    """
    x, y = _ranks(references[:, 0]), _ranks(predictions[:, 0])
    r, own = correlation(x[:, None], y[:, None])
    if not own.any():
        return r, own
    z_x, z_y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    shifted = _weight_above(x, (z_y - r * z_x) / x.std()) + _weight_above(y, (z_x - r * z_y) / y.std())
    influences = own + shifted - shifted.mean()
    return r, influences


def by_jackknife(score_without: Callable[[NDArray[np.int64]], float], blocks: NDArray[np.int64]) -> Floats:
    """Compute the contribution of each block of examples [blocks] to any metric: slow, but always valid.

    Source: the delete-a-group jackknife (Kott 2001), scaled so that the sum of squares times blocks / (blocks - 1) is
    the variance of the jackknife.

    Args:
        score_without: Computes the score of the examples at the given positions.
        blocks: The block of every example [examples], numbered from 0.
    """
    count = int(blocks.max()) + 1
    if count == 1:  # Nothing would be left to score.
        return np.zeros(1)
    left_out = np.array([score_without(np.flatnonzero(blocks != block)) for block in range(count)])
    return np.asarray((left_out.mean() - left_out) * (count - 1) / count, dtype=np.float64)


def ratio(numerators: Floats, denominators: Floats) -> tuple[Floats, Floats]:
    """Compute ratios of sums [columns] and their influences [examples, columns]; 0 if the denominator is 0."""
    sums = denominators.sum(axis=0)
    safe = np.where(sums > 0, sums, 1.0)
    found = np.where(sums > 0, numerators.sum(axis=0) / safe, 0.0)
    return found, (numerators - found * denominators) / safe * len(numerators)


def _f1_of_columns(references: Floats, predictions: Floats) -> Scored:
    scores, influences = ratio(2 * references * predictions, references + predictions)
    return float(scores.mean()), influences.mean(axis=1)


def _ranks(values: Floats) -> Floats:
    """Return the ranks in 0..1 [examples]; NaN for values that are not finite. Ties share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places] / len(values)
    return np.where(np.isfinite(values), ranks, np.nan)


def _weight_above(ranks: Floats, weights: Floats) -> Floats:
    """Return the mean weight of the examples ranked above each one, with half of those tied with it [examples]."""
    order = np.argsort(ranks, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(weights[order])])
    first = np.searchsorted(ranks[order], ranks, side="left")
    last = np.searchsorted(ranks[order], ranks, side="right")
    above, tied = running[-1] - running[last], running[last] - running[first]
    return np.asarray((above + tied / 2) / len(ranks), dtype=np.float64)
