"""How far a score, and the difference of two scores, can be trusted.

A score has two sources of noise: which examples the test set happened to draw, and which seed trained the model.
Both are components of one two-way layout, seeds x examples, in which the residual is counted by each of the two means'
variances, and is therefore taken off once (Searle, Casella and McCulloch 1992, section 4.4). Degrees of freedom follow
Satterthwaite (1946); several comparisons within a task are adjusted after Holm (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one model's runs say of its score.

    Attributes:
        scores: A score a seed [seeds].
        contributions: How far each cluster of test examples moves each seed's score away from its mean
            [seeds, clusters]; every row adds up to zero. Independent examples are a cluster each.
        deterministic: Whether any other seed would have given the same predictions, as with the floors.
    """

    scores: Floats
    contributions: Floats
    deterministic: bool = False

    @property
    def knows_seeds(self) -> bool:
        """Whether the spread over seeds is known: there are several, or a seed changes nothing."""
        return self.deterministic or len(self.scores) > 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The mean score, or the difference of two mean scores.
        standard_error: 0 where the test set shows no spread at all.
        degrees_of_freedom: Satterthwaite's.
        half_width: Half the width of the interval; None where the spread cannot be estimated.
        p_value: Two-sided, of the value being 0; None where the spread cannot be estimated.
        includes_seeds: Whether the interval speaks of other seeds too, or of other test examples only.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float
    half_width: float | None
    p_value: float | None
    includes_seeds: bool

    @property
    def low(self) -> float | None:
        """The interval's lower end."""
        return None if self.half_width is None else self.value - self.half_width

    @property
    def high(self) -> float | None:
        """The interval's upper end."""
        return None if self.half_width is None else self.value + self.half_width


def mean(evidence: Evidence) -> Estimate:
    """The mean score over seeds, with an interval for other seeds and other test examples."""
    return _estimate((evidence,), (1,))


def difference(ours: Evidence, theirs: Evidence) -> Estimate:
    """`ours` minus `theirs`, paired over the test examples; seeds do not pair, for two models share no seed effect.

    Raises:
        ValueError: The two were not tested on the same clusters of examples.
    """
    if ours.contributions.shape[1] != theirs.contributions.shape[1]:
        raise ValueError("a paired difference needs the same test examples on both sides")
    return _estimate((ours, theirs), (1, -1))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number, in the given order (Holm 1979).

    As `statsmodels.stats.multitest.multipletests` gives them, which collects the interpreter's garbage at every call:
    3 s for the report of a thousand runs.
    """
    order = np.argsort(p_values)
    stepwise = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepwise), 1.0)
    return [float(p) for p in adjusted]


def _estimate(models: Sequence[Evidence], signs: Sequence[int]) -> Estimate:
    value = float(sum(sign * model.scores.mean() for sign, model in zip(signs, models, strict=True)))
    averages = [sign * model.contributions.mean(axis=0) for sign, model in zip(signs, models, strict=True)]
    parts = [_cluster_variance(np.sum(averages, axis=0)), *_seed_parts(models)]
    squared_error = float(sum(variance for variance, _ in parts))
    includes_seeds = all(model.knows_seeds for model in models)
    # Rounding leaves 1e-40 where every example agrees.
    if not squared_error > 1e-24:
        # No spread at all: identical predictions differ by exactly nothing; anything else cannot be judged.
        certain = len(models) == 2 and value == 0
        return Estimate(value, 0.0, 0.0, 0.0 if certain else None, 1.0 if certain else None, includes_seeds)
    freedom = squared_error**2 / float(sum(variance**2 / freedom for variance, freedom in parts))
    return _with_interval(value, float(np.sqrt(squared_error)), freedom, includes_seeds=includes_seeds)


def _with_interval(value: float, error: float, freedom: float, *, includes_seeds: bool) -> Estimate:
    # What scipy.stats.t calls, without the second that importing scipy.stats takes.
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 -- only comparing needs it

    half_width = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    p_value = float(2 * stdtr(freedom, -abs(value) / error))
    return Estimate(value, error, freedom, half_width, p_value, includes_seeds)


def _cluster_variance(contributions: Floats) -> tuple[float, float]:
    """Variance of a sum of independent clusters' contributions [clusters], and its degrees of freedom."""
    clusters = len(contributions)
    if clusters < 2:
        return float("nan"), 1.0
    return float((contributions**2).sum()) * clusters / (clusters - 1), clusters - 1.0


def _seed_parts(models: Sequence[Evidence]) -> list[tuple[float, float]]:
    """The seeds' variances with their degrees of freedom, the residual taken off; none where it exceeds them.

    A variance component is not negative: without that bound the interval would at times be far too narrow.
    """
    trained = [model for model in models if len(model.scores) > 1 and not model.deterministic]
    variances = [float(model.scores.var(ddof=1)) / len(model.scores) for model in trained]
    residual = sum(_residual(model) for model in trained)
    if sum(variances) <= residual:
        return []
    parts = [(variance, len(model.scores) - 1.0) for variance, model in zip(variances, trained, strict=True)]
    freedom = sum((len(model.scores) - 1.0) * (model.contributions.shape[1] - 1.0) for model in trained)
    return [*parts, (-residual, freedom)]


def _residual(model: Evidence) -> float:
    """The part of the mean's variance that is neither the examples' nor the seeds', by analysis of variance."""
    seeds, clusters = model.contributions.shape
    left = model.contributions - model.contributions.mean(axis=0)
    return float((left**2).sum() / (seeds * (seeds - 1)) * clusters / (clusters - 1))
