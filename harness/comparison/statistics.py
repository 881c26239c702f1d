"""Uncertainty of a score and of the difference of two scores.

A score has two sources of noise: the examples that the test set happened to draw, and the seed that trained the model.
Both are components of a two-way layout, seeds x examples, whose residual contributes to the variance of both kinds of
means and is therefore subtracted once (Searle, Casella and McCulloch 1992, section 4.4). The seeds' degrees of freedom
follow Satterthwaite (1946). The half widths of the two parts add up as squares (Howe 1974): with few and unstable
seeds, Satterthwaite's single t for the sum has too little coverage (see tests/comparison and docs/statistics.md).
Clusters of unequal size are weighted by leverage, with Kish's effective number of clusters for the degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from harness.comparison.intervals import Spread, interval
from harness.comparison.p_values import SMALLEST_P, Parts, p_values

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
NO_SPREAD = 1e-12
"""Smaller standard errors count as zero: rounding leaves 1e-17 if all examples agree."""
SHARED_TRAINING = 1.5
"""Variance inflation of the examples' part if each example also helped to train the models that others test: the middle
of what was found for learners from stable to unstable (`experiments/fold_intervals.py`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the runs of one model say about its score.

    Attributes:
        scores: One score per seed [seeds].
        contributions: How far each cluster of test examples moves each seed's score from its mean [seeds, clusters];
            rows sum to zero. Independent examples are a cluster each. No clusters [seeds, 0]: unknown.
        deterministic: Whether any other seed would give the same predictions, as with the simple baselines.
        shares: Each cluster's share of the test examples [clusters]; None: all have the same size.
        inflation: Factor of the examples' part of the variance; in cross-validation `SHARED_TRAINING`.
    """

    scores: Floats
    contributions: Floats
    deterministic: bool = False
    shares: Floats | None = None
    inflation: float = 1.0

    @property
    def knows_seeds(self) -> bool:
        """Whether the variance over seeds is known: there are several, or the seed has no effect."""
        return self.deterministic or len(self.scores) > 1

    @property
    def knows_examples(self) -> bool:
        """Whether the variance over test examples is known: there are several clusters."""
        clusters: int = self.contributions.shape[1]
        return clusters > 1

    @property
    def averaged(self) -> Evidence:
        """The mean over the seeds as a single run, so that its variance has only the examples' part."""
        return Evidence(
            self.scores.mean(keepdims=True),
            self.contributions.mean(axis=0, keepdims=True),
            shares=self.shares,
            inflation=self.inflation,
        )

    @property
    def leverages(self) -> Floats:
        """The weight of each cluster's squared contribution [clusters] that makes the variance unbiased.

        The larger a cluster, the more it pulls the mean towards itself: with its share w, the square is too small by a
        factor of 1 - 2w + the sum of all squared shares (Bell and McCaffrey 2002, for a mean).
        """
        count = self.contributions.shape[1]
        shares = np.full(count, 1 / count) if self.shares is None else self.shares
        return np.asarray(1 / (1 - 2 * shares + (shares**2).sum()))

    @property
    def effective_clusters(self) -> float:
        """The number of equally sized clusters that would be as informative (Kish 1965, section 11.7)."""
        return float(self.contributions.shape[1] if self.shares is None else 1 / (self.shares**2).sum())


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The mean score, or the difference of two mean scores.
        standard_error: The standard error; 0 if the test set shows no variation at all.
        low: The interval's lower end; None if the variance cannot be estimated.
        high: Its upper end.
        p_value: The two-sided p-value of the difference being 0; None for a mean, and if the variance over test
            examples or over seeds cannot be estimated.
        includes_seeds: Whether the interval covers other seeds, or only other test examples.
        includes_examples: Whether it covers other test examples, or only other seeds.
    """

    value: float
    standard_error: float
    low: float | None
    high: float | None
    p_value: float | None
    includes_seeds: bool
    includes_examples: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an estimate's variance, with its degrees of freedom."""

    variance: float
    freedom: float


def mean(evidence: Evidence, *, least: float = -inf, most: float = inf, miss: float = 1 - CONFIDENCE) -> Estimate:
    """The mean score over seeds, with an interval over other seeds and other test examples.

    Args:
        evidence: The evidence of the runs.
        least: The smallest possible score; the interval stays inside (`harness.comparison.intervals`).
        most: The largest possible score.
        miss: The error rate of the interval; the default gives a 95 % interval.
    """
    found = _estimate((evidence,), (1,), miss=miss)
    if found.low is not None and found.high is not None:
        found = replace(found, low=max(found.low, least), high=min(found.high, most))
    examples = _examples_part((evidence,), (1,)) if evidence.knows_examples else None
    if examples is None or (least, most) == (-inf, inf):
        return found
    own = _seeds_part((evidence,)) if len(evidence.scores) > 1 else None
    spread = Spread(
        examples=sqrt(_squared(examples, miss)),
        seeds=0.0 if own is None else sqrt(_squared(own, miss)),
        variance=examples.variance,
        clusters=evidence.effective_clusters,
        quantile=sqrt(_squared(Part(1.0, examples.freedom), miss)),
    )
    ends = interval(found.value, spread, least, most)
    return found if ends is None else replace(found, low=ends[0], high=ends[1])


def difference(
    ours: Evidence,
    theirs: Evidence,
    *,
    typical: Part | None = None,
    miss: float = 1 - CONFIDENCE,
    null: float = 0.0,
) -> Estimate:
    """`ours` minus `theirs`, paired over test examples but not over seeds, because two models share no seed effect.

    Args:
        ours: The evidence of one model.
        theirs: The evidence of the other model.
        typical: The variance that seeds add to a run of the comparison's median model
            (`harness.comparison.typical_seeds`). The p-value uses the larger of it and the two models' own: otherwise
            three seeds that happen to agree would count as certain, and at the strict levels of many comparisons the
            error rate would be up to three times the nominal one.
        miss: The error rate of the interval.
        null: The difference under the null hypothesis; a margin is tested at its end.

    Raises:
        ValueError: If the two were not tested on the same clusters of examples.
    """
    if ours.contributions.shape[1] != theirs.contributions.shape[1]:
        raise ValueError("a paired difference needs the same test examples on both sides")
    return _estimate((ours, theirs), (1, -1), typical, miss=miss, null=null)


def _estimate(
    models: Sequence[Evidence],
    signs: Sequence[int],
    typical: Part | None = None,
    *,
    miss: float,
    null: float = 0.0,
) -> Estimate:
    value = float(sum(sign * model.scores.mean() for sign, model in zip(signs, models, strict=True)))
    includes_seeds = all(model.knows_seeds for model in models)
    trained = [model for model in models if len(model.scores) > 1]
    own = _seeds_part(trained)
    if not all(model.knows_examples for model in models):
        return _estimate_over_seeds(own, value, miss, includes_seeds=includes_seeds)
    examples = _examples_part(models, signs)
    parts = [part for part in (examples, own) if part is not None]
    error = sqrt(sum(part.variance for part in parts))
    is_difference = len(models) > 1
    if examples is None or error < NO_SPREAD:
        return _without_spread(models, value, is_difference=is_difference, includes_seeds=includes_seeds, null=null)
    p_value = None
    if is_difference and includes_seeds:
        shared = None if typical is None else Part(typical.variance * _runs(trained), typical.freedom)
        p_value = _p_value(examples, [part for part in (own, shared) if part is not None], abs(value - null))
    return Estimate(value, error, *_around(value, parts, miss), p_value, includes_seeds)


def _without_spread(
    models: Sequence[Evidence], value: float, *, is_difference: bool, includes_seeds: bool, null: float
) -> Estimate:
    """The estimate if no example and no seed differs from the others.

    The difference of identical predictions is exactly zero. A difference that is the same for every cluster is tested
    by its sign (the exact randomisation test: all m clusters favour one side with probability 2 / 2^m).
    """
    clusters = int(min(model.effective_clusters for model in models) + 1e-9)
    if not is_difference or clusters < 2:
        return Estimate(value, 0.0, None, None, None, includes_seeds)
    exact = 1.0 if abs(value - null) < 1e-12 else max(2.0 ** (1 - clusters), SMALLEST_P)
    end = value if value == 0 else None
    return Estimate(value, 0.0, end, end, exact if includes_seeds else None, includes_seeds)


def _estimate_over_seeds(own: Part | None, value: float, miss: float, *, includes_seeds: bool) -> Estimate:
    """An interval over other seeds on the same test examples, if every model's seed variance is known.

    It has no p-value, which would ignore what another draw of test examples could explain.
    """
    parts = [own] if own is not None and includes_seeds else []
    error = sqrt(sum(part.variance for part in parts))
    low, high = _around(value, parts, miss) if error >= NO_SPREAD else (None, None)
    return Estimate(value, error, low, high, None, includes_seeds, includes_examples=False)


def _examples_part(models: Sequence[Evidence], signs: Sequence[int]) -> Part | None:
    """The variance due to the examples; None with fewer than two effective clusters."""
    freedom = min(model.effective_clusters for model in models) - 1
    if freedom < 1 - 1e-9:
        return None
    averages = [sign * model.contributions.mean(axis=0) for sign, model in zip(signs, models, strict=True)]
    total = np.sum(averages, axis=0)
    inflation = max(model.inflation for model in models)
    return Part(inflation * float((total**2 * models[0].leverages).sum()), freedom)


def _seeds_part(models: Sequence[Evidence]) -> Part | None:
    """The variance due to the seeds, less the residual; None if the residual explains it.

    A variance component is not negative; without that bound the interval would at times be far too narrow.
    """
    found = [(float(model.scores.var(ddof=1)) / len(model.scores), len(model.scores) - 1) for model in models]
    total = sum(variance for variance, _ in found)
    component = total - sum(residual(model) for model in models)
    if component <= 0:
        return None
    return Part(component, total**2 / sum(variance**2 / freedom for variance, freedom in found))


def _runs(models: Sequence[Evidence]) -> float:
    """The factor of the variance of one run in the difference of means over seeds."""
    return sum(1 / len(model.scores) for model in models)


def _around(value: float, parts: Sequence[Part], miss: float) -> tuple[float, float]:
    """The ends of the interval; the half widths of its parts add up as squares."""
    width = sqrt(sum(_squared(part, miss) for part in parts))
    return value - width, value + width


def _squared(part: Part, alpha: float) -> float:
    """The squared half width of the interval with error rate `alpha`."""
    # The function behind scipy.stats.t; importing scipy.stats takes a second.
    from scipy.special import stdtrit  # noqa: PLC0415 -- only comparing needs it

    return part.variance * float(stdtrit(part.freedom, alpha / 2)) ** 2


def _p_value(examples: Part, seeds: Sequence[Part], distance: float) -> float:
    """The level whose interval reaches as far as `distance`: the larger one, if there are two seeds' parts."""

    def level(parts: Sequence[Part]) -> float:
        several = [Parts(np.array([part.variance]), np.array([part.freedom])) for part in parts]
        return float(p_values(np.array([distance]), several)[0])

    return max(level([examples, part]) for part in seeds) if seeds else level([examples])


def residual(model: Evidence) -> float:
    """The part of the mean's variance due to neither examples nor seeds, by analysis of variance.

    0 if the examples are unknown; it then stays in the seeds' part.
    """
    if not model.knows_examples:
        return 0.0
    seeds = len(model.scores)
    left = model.contributions - model.contributions.mean(axis=0)
    return float((left**2 * model.leverages).sum() / (seeds * (seeds - 1)))
