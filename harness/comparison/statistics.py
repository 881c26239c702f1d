"""How far a score, and the difference of two scores, can be trusted.

A score has two sources of noise: which examples the test set happened to draw, and which seed trained the model.
Both are components of one two-way layout, seeds x examples, whose residual is part of the variance of either's means,
and is therefore taken off once (Searle, Casella and McCulloch 1992, section 4.4). The seeds' degrees of freedom follow
Satterthwaite (1946). The two parts' half widths add up as squares (Howe 1974): where seeds are few and shaky,
Satterthwaite's single t for the sum of both covers less than it promises (see tests/comparison and docs/statistics.md).
Several comparisons within a task are adjusted after Holm (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
SMALLEST_P = 1e-30
"""Below that a p-value is a number without meaning."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one model's runs say of its score.

    Attributes:
        scores: One score per seed [seeds].
        contributions: How far each cluster of test examples moves each seed's score away from its mean
            [seeds, clusters]; every row adds up to zero. Independent examples are a cluster each. No clusters
            [seeds, 0]: nothing is known of it.
        deterministic: Whether any other seed would have given the same predictions, as with the simple baselines.
    """

    scores: Floats
    contributions: Floats
    deterministic: bool = False

    @property
    def knows_seeds(self) -> bool:
        """Whether the spread over seeds is known: there are several, or a seed changes nothing."""
        return self.deterministic or len(self.scores) > 1

    @property
    def knows_examples(self) -> bool:
        """Whether anything is known of what each test example adds."""
        return self.contributions.size > 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The mean score, or the difference of two mean scores.
        standard_error: 0 where the test set shows no spread at all.
        half_width: Half the width of the interval; None where the spread cannot be estimated.
        p_value: Two-sided, of a difference being 0; None for a mean, and where the spread cannot be estimated, or that
            over test examples is not in it.
        includes_seeds: Whether the interval speaks of other seeds too, or of other test examples only.
        includes_examples: Whether it speaks of other test examples too, or of other seeds only.
    """

    value: float
    standard_error: float
    half_width: float | None
    p_value: float | None
    includes_seeds: bool
    includes_examples: bool = True

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
    includes_seeds = all(model.knows_seeds for model in models)
    if not all(model.knows_examples for model in models):
        return _estimate_over_seeds(models, value, includes_seeds=includes_seeds)
    parts = _parts(models, signs)
    error = sqrt(sum(part.variance for part in parts))
    # Rounding leaves 1e-17 where every example agrees.
    if error < 1e-12:
        # No spread at all: identical predictions differ by exactly nothing; anything else cannot be scored.
        certain = len(models) == 2 and value == 0 and bool(parts)
        return Estimate(value, 0.0, 0.0 if certain else None, 1.0 if certain else None, includes_seeds)
    p_value = _p_value(parts, abs(value)) if len(models) == 2 else None
    return Estimate(value, error, _half_width(parts, 1 - CONFIDENCE), p_value, includes_seeds)


def _estimate_over_seeds(models: Sequence[Evidence], value: float, *, includes_seeds: bool) -> Estimate:
    """An interval for other seeds on the same test examples, where the seeds of every model say something.

    It has no p-value: what a luckier draw of test examples would explain, it would call a difference.
    """
    parts = _seeds_part([model for model in models if len(model.scores) > 1]) if includes_seeds else []
    error = sqrt(sum(part.variance for part in parts))
    half_width = _half_width(parts, 1 - CONFIDENCE) if error >= 1e-12 else None
    return Estimate(value, error, half_width, None, includes_seeds, includes_examples=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an estimate's variance, and the degrees of freedom that it was estimated with."""

    variance: float
    freedom: float


def _parts(models: Sequence[Evidence], signs: Sequence[int]) -> list[_Part]:
    """What the examples add to the variance, and the seeds; nothing where a single cluster shows no spread."""
    averages = [sign * model.contributions.mean(axis=0) for sign, model in zip(signs, models, strict=True)]
    total = np.sum(averages, axis=0)
    clusters = len(total)
    if clusters < 2:
        return []
    examples = _Part(float((total**2).sum()) * clusters / (clusters - 1), clusters - 1.0)
    return [examples, *_seeds_part([model for model in models if len(model.scores) > 1])]


def _seeds_part(models: Sequence[Evidence]) -> list[_Part]:
    """What the seeds add, the residual taken off; nothing where the residual explains their spread.

    A variance component is not negative: without that bound the interval would at times be far too narrow.
    """
    found = [(float(model.scores.var(ddof=1)) / len(model.scores), len(model.scores) - 1) for model in models]
    total = sum(variance for variance, _ in found)
    component = total - sum(_residual(model) for model in models)
    if component <= 0:
        return []
    return [_Part(component, total**2 / sum(variance**2 / freedom for variance, freedom in found))]


def _half_width(parts: Sequence[_Part], alpha: float) -> float:
    """Half the width of the interval that misses with probability `alpha`."""
    # What scipy.stats.t calls, without the second that importing scipy.stats takes.
    from scipy.special import stdtrit  # noqa: PLC0415 -- only comparing needs it

    return sqrt(sum(part.variance * float(stdtrit(part.freedom, alpha / 2)) ** 2 for part in parts))


def _p_value(parts: Sequence[_Part], distance: float) -> float:
    """The alpha whose interval reaches as far as `distance`: with a single part, that of Student's t."""
    low, high = log(SMALLEST_P), 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _half_width(parts, exp(middle)) < distance else (middle, high)
    return exp(high)


def _residual(model: Evidence) -> float:
    """The part of the mean's variance that is neither the examples' nor the seeds', by analysis of variance.

    0 where nothing is known of the examples: it then stays in the seeds' part.
    """
    if not model.knows_examples:
        return 0.0
    seeds, clusters = model.contributions.shape
    left = model.contributions - model.contributions.mean(axis=0)
    return float((left**2).sum() / (seeds * (seeds - 1)) * clusters / (clusters - 1))
