"""The difference of two models, with effect sizes: how often a new run wins, which examples each wins, and margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite, sqrt

import numpy as np

from harness.comparison.statistics import CONFIDENCE, SIGNIFICANCE, Estimate, Evidence, Floats

LARGEST_T = 1e3
"""Beyond this, the probability is 0 or 1 to all digits shown."""
SAME = 1e-9
"""Values that differ by less count as equal, because subtracting and adding their mean rounds them."""


@dataclass(frozen=True, slots=True)
class RunWins:
    """The probability that a new run of a model beats a new run of another one on the same test examples.

    Attributes:
        value: The estimate.
        low: The lower end of its 95 % interval.
        high: The upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Flips:
    """The number of test examples on which a run of one model beats a run of the other, averaged over pairs of runs.

    Attributes:
        won: Examples that the model has right and the other wrong; for graded metrics, those on which it scores better.
        lost: The reverse.
    """

    won: float
    lost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Results for a difference and a margin, in the family of such claims (`harness.comparison.margins`).

    Attributes:
        not_worse_p: Adjusted p-value of the model being worse by the margin or more.
        not_better_p: Adjusted p-value of the model being better by the margin or more.
    """

    not_worse_p: float
    not_better_p: float

    @property
    def is_not_worse(self) -> bool:
        """Whether the model is shown not to be worse by the margin or more."""
        return self.not_worse_p < SIGNIFICANCE

    @property
    def is_not_better(self) -> bool:
        """Whether the model is shown not to be better by the margin or more."""
        return self.not_better_p < SIGNIFICANCE

    @property
    def is_equivalent(self) -> bool:
        """Whether both are shown."""
        return self.is_not_worse and self.is_not_better


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A model's score minus another model's, on the same test examples.

    Attributes:
        estimate: The difference; None if the two have different test examples or units.
        adjusted_p: The one-sided p-value in favour of the better side, adjusted within the task's family of comparisons
            (`harness.comparison.multiplicity`); None if the two were not tested.
        gain: The difference with its sign such that more is better.
        run_wins: The probability that a new run of the model scores better than a new run of the other; None if
            unknown.
        flips: The number of test examples that each of the two wins; None if the metric is not a mean over examples.
        within: The result of the tests against the margin; None without a margin, or if they are not possible.
    """

    against: str
    estimate: Estimate | None
    adjusted_p: float | None
    gain: float | None
    run_wins: RunWins | None = None
    flips: Flips | None = None
    within: Within | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the difference is significant after adjustment."""
        return self.adjusted_p is not None and self.adjusted_p < SIGNIFICANCE


def run_wins(ours: Evidence, theirs: Evidence, sign: int) -> RunWins | None:
    """How often a new run of `ours` wins; None if the variance over seeds is unknown or zero.

    Scores of new runs are assumed normal, with the means and variances of the recorded seeds' scores on these test
    examples: P = Phi(difference / sqrt(variance + variance)). Variation over test examples is not included. The
    interval inverts the noncentral t distribution, with Satterthwaite's degrees of freedom (Reiser and Guttman 1986,
    "Statistical inference for Pr(Y < X): the normal case"). For P(A > B) as a measure of how much a difference between
    models matters: Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks".

    Args:
        ours: The evidence of one model.
        theirs: The evidence of the other model.
        sign: -1 if lower scores are better.
    """
    if not (ours.knows_seeds and theirs.knows_seeds):
        return None
    from scipy.special import nctdtrinc, ndtr  # noqa: PLC0415 -- only comparing needs it

    trained = [model.scores for model in (ours, theirs) if len(model.scores) > 1]
    variances = [float(scores.var(ddof=1)) for scores in trained]
    of_means = [variance / len(scores) for variance, scores in zip(variances, trained, strict=True)]
    total, of_mean = sum(variances), sum(of_means)
    if total < 1e-24:
        return None
    freedom = of_mean**2 / sum(part**2 / (len(scores) - 1) for part, scores in zip(of_means, trained, strict=True))
    gain = sign * float(ours.scores.mean() - theirs.scores.mean())
    t = float(np.clip(gain / sqrt(of_mean), -LARGEST_T, LARGEST_T))
    tail = (1 - CONFIDENCE) / 2
    ends = [float(nctdtrinc(freedom, level, t)) * sqrt(of_mean / total) for level in (1 - tail, tail)]
    if not all(map(isfinite, ends)):
        return None
    value, low, high = (float(ndtr(end)) for end in (gain / sqrt(total), *ends))
    return RunWins(value, min(low, value), max(high, value))


def flips(ours: Sequence[Floats], theirs: Sequence[Floats], sign: int) -> Flips:
    """Count the examples that either model wins.

    Args:
        ours: The value of each test example for each run of one model, with the same examples in the same order.
        theirs: The values of the other model.
        sign: -1 if lower scores are better.
    """
    leads = [sign * (one - other) for one, other in product(ours, theirs)]
    won, lost = (sum(int(np.count_nonzero(side * lead > SAME)) for lead in leads) for side in (1, -1))
    return Flips(won / len(leads), lost / len(leads))


def exact_mcnemar(won: int, lost: int) -> float:
    """The two-sided p-value of McNemar's exact test (1947), given how many examples each of two runs wins.

    >>> exact_mcnemar(1, 6), exact_mcnemar(3, 3), exact_mcnemar(0, 0)
    (0.125, 1.0, 1.0)
    """
    from scipy.special import bdtr  # noqa: PLC0415 -- only comparing needs it

    return min(1.0, 2 * float(bdtr(min(won, lost), won + lost, 0.5))) if won + lost else 1.0
