"""How far a score, and the difference of two scores, can be trusted.

A score has two sources of noise: which examples the test set happened to draw, and which seed trained the model.
Both are components of one two-way layout, seeds x examples, whose residual is part of the variance of either's means,
and is therefore taken off once (Searle, Casella and McCulloch 1992, section 4.4). The seeds' degrees of freedom follow
Satterthwaite (1946). The two parts' half widths add up as squares (Howe 1974): where seeds are few and shaky,
Satterthwaite's single t for the sum of both covers less than it promises (see tests/comparison and docs/statistics.md).
Clusters of unequal size are weighed by their leverage, with Kish's effective number of them for the degrees of freedom.
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
"""A standard error below is none: rounding leaves 1e-17 where every example agrees."""
SHARED_TRAINING = 1.5
"""What the examples' part is multiplied by where each example also helped to train the models that others test: the
middle of what was found for learners from stable to shaky (`experiments/fold_intervals.py`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one model's runs say of its score.

    Attributes:
        scores: One score per seed [seeds].
        contributions: How far each cluster of test examples moves each seed's score away from its mean
            [seeds, clusters]; every row adds up to zero. Independent examples are a cluster each. No clusters
            [seeds, 0]: nothing is known of it.
        deterministic: Whether any other seed would have given the same predictions, as with the simple baselines.
        shares: Each cluster's share of the test examples [clusters]; None: all are of one size.
        inflation: What the examples' part of the variance is multiplied by; in cross-validation `SHARED_TRAINING`.
    """

    scores: Floats
    contributions: Floats
    deterministic: bool = False
    shares: Floats | None = None
    inflation: float = 1.0

    @property
    def knows_seeds(self) -> bool:
        """Whether the spread over seeds is known: there are several, or a seed changes nothing."""
        return self.deterministic or len(self.scores) > 1

    @property
    def knows_examples(self) -> bool:
        """Whether anything is known of what each cluster of test examples adds: there are several."""
        clusters: int = self.contributions.shape[1]
        return clusters > 1

    @property
    def averaged(self) -> Evidence:
        """The mean over the seeds as if it were one run's: only the examples' part of its variance is left."""
        return Evidence(
            self.scores.mean(keepdims=True),
            self.contributions.mean(axis=0, keepdims=True),
            shares=self.shares,
            inflation=self.inflation,
        )

    @property
    def leverages(self) -> Floats:
        """What each cluster's squared contribution is weighed by [clusters], so that the variance has no bias.

        A cluster pulls the mean towards itself the more, the larger it is: with its share w the square is too small by
        1 - 2w + the sum of all squared shares (Bell and McCaffrey 2002, of a mean).
        """
        count = self.contributions.shape[1]
        shares = np.full(count, 1 / count) if self.shares is None else self.shares
        return np.asarray(1 / (1 - 2 * shares + (shares**2).sum()))

    @property
    def effective_clusters(self) -> float:
        """As many clusters of one size would tell as much (Kish 1965, section 11.7)."""
        return float(self.contributions.shape[1] if self.shares is None else 1 / (self.shares**2).sum())


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The mean score, or the difference of two mean scores.
        standard_error: 0 where the test set shows no spread at all.
        low: The interval's lower end; None where the spread cannot be estimated.
        high: Its upper end.
        p_value: Two-sided, of a difference being 0; None for a mean, and where the spread cannot be estimated, or that
            over test examples is not in it.
        includes_seeds: Whether the interval speaks of other seeds too, or of other test examples only.
        includes_examples: Whether it speaks of other test examples too, or of other seeds only.
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
    """A part of an estimate's variance, and the degrees of freedom that it was estimated with."""

    variance: float
    freedom: float


def mean(evidence: Evidence, *, least: float = -inf, most: float = inf, miss: float = 1 - CONFIDENCE) -> Estimate:
    """The mean score over seeds, with an interval for other seeds and other test examples.

    Args:
        evidence: What the runs say.
        least: No score is below; the interval stays inside (`harness.comparison.intervals`).
        most: No score is above.
        miss: How often the interval may miss; by default it is one of 95 %.
    """
    found = _estimate((evidence,), (1,), miss=miss)
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
    """`ours` minus `theirs`, paired over the test examples; seeds do not pair, for two models share no seed effect.

    Args:
        ours: One model's evidence.
        theirs: Another's.
        typical: What seeds add to a run of the comparison's median model (`harness.comparison.typical_seeds`). The
            p-value takes the larger of it and the two models' own: three seeds that happen to agree would else pass for
            certainty, and at the levels that several comparisons ask for they do so up to three times as often as
            promised.
        miss: How often the interval may miss.
        null: The difference that the p-value is of; a margin is tested with it at the margin's end.

    Raises:
        ValueError: The two were not tested on the same clusters of examples.
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
    """Where no example and no seed differs from the others.

    Identical predictions differ by exactly nothing. A difference that is the same for every cluster is tested by its
    sign (the exact randomisation test: all m clusters favour one side with probability 2 / 2^m).
    """
    clusters = int(min(model.effective_clusters for model in models) + 1e-9)
    if not is_difference or clusters < 2:
        return Estimate(value, 0.0, None, None, None, includes_seeds)
    exact = 1.0 if abs(value - null) < 1e-12 else max(2.0 ** (1 - clusters), SMALLEST_P)
    end = value if value == 0 else None
    return Estimate(value, 0.0, end, end, exact if includes_seeds else None, includes_seeds)


def _estimate_over_seeds(own: Part | None, value: float, miss: float, *, includes_seeds: bool) -> Estimate:
    """An interval for other seeds on the same test examples, where the seeds of every model say something.

    It has no p-value: what a luckier draw of test examples would explain, it would call a difference.
    """
    parts = [own] if own is not None and includes_seeds else []
    error = sqrt(sum(part.variance for part in parts))
    low, high = _around(value, parts, miss) if error >= NO_SPREAD else (None, None)
    return Estimate(value, error, low, high, None, includes_seeds, includes_examples=False)


def _examples_part(models: Sequence[Evidence], signs: Sequence[int]) -> Part | None:
    """What the examples add to the variance; None where there are fewer than two clusters' worth of them."""
    freedom = min(model.effective_clusters for model in models) - 1
    if freedom < 1 - 1e-9:
        return None
    averages = [sign * model.contributions.mean(axis=0) for sign, model in zip(signs, models, strict=True)]
    total = np.sum(averages, axis=0)
    inflation = max(model.inflation for model in models)
    return Part(inflation * float((total**2 * models[0].leverages).sum()), freedom)


def _seeds_part(models: Sequence[Evidence]) -> Part | None:
    """What the seeds add, the residual taken off; None where the residual explains their spread.

    A variance component is not negative: without that bound the interval would at times be far too narrow.
    """
    found = [(float(model.scores.var(ddof=1)) / len(model.scores), len(model.scores) - 1) for model in models]
    total = sum(variance for variance, _ in found)
    component = total - sum(residual(model) for model in models)
    if component <= 0:
        return None
    return Part(component, total**2 / sum(variance**2 / freedom for variance, freedom in found))


def _runs(models: Sequence[Evidence]) -> float:
    """What the variance of one run is multiplied by, in the difference of means over seeds."""
    return sum(1 / len(model.scores) for model in models)


def _around(value: float, parts: Sequence[Part], miss: float) -> tuple[float, float]:
    """The ends of the interval, whose parts' half widths add up as squares."""
    width = sqrt(sum(_squared(part, miss) for part in parts))
    return value - width, value + width


def _squared(part: Part, alpha: float) -> float:
    """The square of the half width of the interval that misses with probability `alpha`."""
    # What scipy.stats.t calls, without the second that importing scipy.stats takes.
    from scipy.special import stdtrit  # noqa: PLC0415 -- only comparing needs it

    return part.variance * float(stdtrit(part.freedom, alpha / 2)) ** 2


def _p_value(examples: Part, seeds: Sequence[Part], distance: float) -> float:
    """The level whose interval reaches as far as `distance`, whichever part of the seeds makes it wider."""

    def level(parts: Sequence[Part]) -> float:
        several = [Parts(np.array([part.variance]), np.array([part.freedom])) for part in parts]
        return float(p_values(np.array([distance]), several)[0])

    return max(level([examples, part]) for part in seeds) if seeds else level([examples])


def residual(model: Evidence) -> float:
    """The part of the mean's variance that is neither the examples' nor the seeds', by analysis of variance.

    0 where nothing is known of the examples: it then stays in the seeds' part.
    """
    if not model.knows_examples:
        return 0.0
    seeds = len(model.scores)
    left = model.contributions - model.contributions.mean(axis=0)
    return float((left**2 * model.leverages).sum() / (seeds * (seeds - 1)))
