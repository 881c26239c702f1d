"""A power law through a model's errors by training size, and how far it can be extrapolated.

error(n) = a + b n^-c, with a, b >= 0: an irreducible part, and a part that falls with the number of examples (Cortes et
al. 1994, "Learning curves: asymptotic values and rate of convergence"; Hestness et al. 2017; Viering and Loog 2023,
"The shape of learning curves: a review"). For a given c the law is linear, so c is searched on a grid and the rest is
solved: a thousand fits take milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10

import numpy as np

from harness.comparison.statistics import Evidence, Floats, residual

LEAST_SIZES = 4
"""Three parameters are fitted; with fewer sizes the fit can't be tested."""
FARTHEST = 4.0
"""A law is trusted up to this multiple of the largest size."""
MOST_SPREAD = 4.0
"""Maximum ratio between the ends of an interval of a number of examples; wider ones are not reported."""
POOR_FIT = 0.05
SAMPLING = 2.0
"""The variance that the draw of training examples adds, as a multiple of a seed's: an assumption (it is the larger of
the two in Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks")."""
DRAWS = 2000
_EXPONENTS = np.geomspace(0.05, 2.0, 60)


@dataclass(frozen=True, slots=True)
class Reach:
    """The number of training examples that a model needs for a score.

    Attributes:
        error: The distance from a perfect score.
        examples: The estimate by the fitted law.
        low: The lower end of the 95 % interval.
        high: The upper end.
    """

    error: float
    examples: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class PowerLaw:
    """A fitted power law.

    Attributes:
        largest: The largest size used in the fit.
        parameters: a, b and c [3].
        draws: The parameters fitted to errors with simulated noise of seeds and examples [draws, 3].
    """

    largest: float
    parameters: Floats
    draws: Floats

    def error(self, examples: float) -> float:
        """The error with the given number of training examples."""
        a, b, c = self.parameters.tolist()
        return float(a + b * examples**-c)

    def reach(self, error: float) -> Reach | None:
        """The number of training examples that lowers the error to `error`; None if the law can't be trusted there.

        That is, beyond `FARTHEST` times the largest size, or with an interval wider than `MOST_SPREAD`; also None if
        the largest size suffices.
        """
        needed = float(_needed(self.parameters[None], error)[0])
        low, high = np.quantile(_needed(self.draws, error), [0.025, 0.975], method="inverted_cdf").tolist()
        if not self.largest < needed <= FARTHEST * self.largest or not low <= needed <= high < MOST_SPREAD * low:
            return None
        return Reach(error, needed, low, high)

    def nearest_reach(self, *, factor: float = 1.0) -> Reach | None:
        """The training examples for the roundest error that the law can be trusted to reach; None if there is none.

        Args:
            factor: The factor that scores are displayed with, which determines which values are round.
        """
        now, last = self.error(self.largest) * factor, self.error(FARTHEST * self.largest) * factor
        for step in _round_steps(now - last):
            rounds = np.arange(np.floor(now / step), np.ceil(last / step) - 1, -1) * step
            found = [self.reach(float(value) / factor) for value in rounds if last < value < now]
            if told := [one for one in found if one is not None]:
                return told[-1]
        return None


def fitted_law(sizes: Sequence[float], evidences: Sequence[Evidence], *, best: float) -> PowerLaw | None:
    """Fit a model's errors; None if there are too few sizes or the law does not fit.

    The noise of the test examples is shared by all sizes. That of the seeds is estimated for each size, with the
    estimate over all sizes, relative to the error, as a lower bound. The draw of training examples adds noise too,
    which is invisible if all seeds share it; it is assumed to be larger than that of a seed (`SAMPLING`). So a model
    without seeds has no law.

    Args:
        sizes: Numbers of training examples, ascending [sizes].
        evidences: The evidence for each size, on the same test examples.
        best: The best possible score; the error is the distance from it.
    """
    if len(set(sizes)) < LEAST_SIZES or not all(len(one.scores) > 1 and one.knows_examples for one in evidences):
        return None
    errors = np.array([abs(best - one.scores.mean()) for one in evidences])
    examples, (seeds, freedom) = _examples(evidences), _seeds(evidences, errors)
    weights = 1 / np.maximum(examples.diagonal() + seeds, 1e-12)
    n = np.asarray(sizes, dtype=np.float64)
    parameters, misfit = _fitted(n, errors[None], weights)
    left = len(n) - 3
    if parameters[0, 1] <= 0 or _chance_of(float(misfit[0]), left) < POOR_FIT:
        return None
    stretch = max(1.0, float(misfit[0]) / left)  # What neither seeds nor test examples explain (Birge 1932).
    noise = _noise(stretch * examples, stretch * seeds, freedom)
    draws, _ = _fitted(n, np.maximum(errors + noise, 0.0), weights)
    return PowerLaw(float(n.max()), parameters[0], draws)


def _examples(evidences: Sequence[Evidence]) -> Floats:
    """The covariance of the sizes' scores over test examples [sizes, sizes]."""
    means = np.stack([one.contributions.mean(axis=0) for one in evidences])
    return np.asarray(max(one.inflation for one in evidences) * (means * evidences[0].leverages) @ means.T)


def _seeds(evidences: Sequence[Evidence], errors: Floats) -> tuple[Floats, float]:
    """The variance that seeds and the draw of training examples add [sizes], and its degrees of freedom."""
    counts = np.array([len(one.scores) for one in evidences])
    own = np.array([max(float(one.scores.var(ddof=1)) / len(one.scores) - residual(one), 0.0) for one in evidences])
    freedom = float((counts - 1).sum())
    relative = float((own * counts / np.maximum(errors, 1e-9) ** 2 * (counts - 1)).sum()) / freedom
    of_one = relative * errors**2
    return np.maximum(own, of_one / counts) + SAMPLING * of_one, freedom


def _noise(examples: Floats, seeds: Floats, freedom: float) -> Floats:
    """Draw the noise of the errors to fit [draws, sizes]; the same at each call."""
    generator = np.random.default_rng(0)
    values, vectors = np.linalg.eigh(examples)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    shared = generator.standard_normal((DRAWS, len(seeds))) @ root.T
    own = generator.standard_normal((DRAWS, len(seeds)))
    shaky = np.sqrt(generator.chisquare(freedom, (DRAWS, 1)) / freedom)
    return np.asarray(shared + own / shaky * np.sqrt(seeds))


def _fitted(sizes: Floats, errors: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Fit errors [fits, sizes] by weighted least squares: parameters [fits, 3] and residual sums of squares [fits]."""
    shapes = sizes[None] ** -_EXPONENTS[:, None]
    total = weights.sum()
    mean_shape, mean_error = shapes @ weights / total, errors @ weights / total
    centred = shapes - mean_shape[:, None]
    slope = errors @ (centred * weights).T / (centred**2 @ weights)
    offset = mean_error[:, None] - slope * mean_shape
    through_zero = errors @ (shapes * weights).T / (shapes**2 @ weights)
    slope = np.where(offset < 0, through_zero, slope)
    offset = np.maximum(offset, 0.0)
    offset = np.where(slope < 0, mean_error[:, None], offset)
    slope = np.maximum(slope, 0.0)
    left = errors[:, None] - offset[..., None] - slope[..., None] * shapes
    squares = left**2 @ weights
    best = squares.argmin(axis=1)
    rows = np.arange(len(errors))
    return np.stack([offset[rows, best], slope[rows, best], _EXPONENTS[best]], axis=1), squares[rows, best]


def _needed(parameters: Floats, error: float) -> Floats:
    """The training examples for an error by each law; infinite if the law never reaches it [laws]."""
    a, b, c = parameters.T
    reachable = (error > a) & (b > 0)
    ratio = np.where(reachable, b, 1.0) / np.where(reachable, error - a, 1.0)
    return np.where(reachable, np.exp(np.minimum(np.log(ratio) / c, 300.0)), np.where(error > a, 0.0, inf))


def _chance_of(squares: float, freedom: int) -> float:
    """The probability of residuals this large if the law holds."""
    from scipy.special import gammaincc  # noqa: PLC0415 -- only comparing needs it

    return float(gammaincc(freedom / 2, squares / 2))


def _round_steps(span: float) -> list[float]:
    """Round differences between errors, largest first: from about `span` to a tenth of it, at most five.

    >>> _round_steps(6.75)
    [5.0, 2.0, 1.0, 0.5, 0.2]
    >>> _round_steps(10.0) == _round_steps(17.5) == [20.0, 10.0, 5.0, 2.0, 1.0]
    True
    """
    if not span > 1e-9:
        return []
    power = int(np.floor(log10(span)))
    steps = [factor * 10.0**exponent for exponent in (power, power - 1) for factor in (5, 2, 1)]
    return [step for step in steps if step <= 2 * span][:5]
