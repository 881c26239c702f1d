"""Other common tests of the same difference, for comparison with ours on the same draws.

Each returns a two-sided p-value from the evidence of two models, or None if it does not apply. Bootstraps resample
clusters of test examples by their contributions to the score (exact for means over examples), with the same resamples
for all draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import sqrt

import numpy as np

from harness.comparison.effects import exact_mcnemar
from harness.comparison.statistics import Evidence, difference
from harness.metrics.metric import Floats

RESAMPLES = 400
Rival = Callable[[Evidence, Evidence], float | None]


def mcnemar(ours: Evidence, theirs: Evidence) -> float | None:
    """Compute McNemar's exact test on the first seed of each model, for ungrouped right and wrong answers."""
    right, other = (_answers(model) for model in (ours, theirs))
    if right is None or other is None:
        return None
    return exact_mcnemar(int((right > other).sum()), int((right < other).sum()))


def welch(ours: Evidence, theirs: Evidence) -> float | None:
    """Compute Welch's t test (1947) on the seeds' scores; None if all seeds are equal."""
    from scipy.special import stdtr  # noqa: PLC0415 -- only needed for calibration

    parts = [(float(model.scores.var(ddof=1)) / len(model.scores), len(model.scores) - 1) for model in (ours, theirs)]
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return None
    freedom = total**2 / sum(variance**2 / count for variance, count in parts)
    return 2 * float(stdtr(freedom, -abs(ours.scores.mean() - theirs.scores.mean()) / sqrt(total)))


def bootstrap(ours: Evidence, theirs: Evidence) -> float | None:
    """Run the paired bootstrap over test examples on means over seeds (Berg-Kirkpatrick, Burkett and Klein 2012)."""
    moves = _resamples(ours.contributions.shape[1]) @ (
        ours.contributions.mean(axis=0) - theirs.contributions.mean(axis=0)
    )
    return _share_beyond(moves + (ours.scores.mean() - theirs.scores.mean()))


def multi_bootstrap(ours: Evidence, theirs: Evidence) -> float | None:
    """Run the bootstrap over unpaired seeds and test examples (Sellam et al. 2022, "The MultiBERTs", section 4)."""
    examples, seeds = (
        _resamples(ours.contributions.shape[1]),
        [_resamples(len(m.scores), own) for own, m in enumerate((ours, theirs))],
    )
    means = [
        ((model.scores + examples @ model.contributions.T) * chosen).mean(axis=1)
        for model, chosen in zip((ours, theirs), seeds, strict=True)
    ]
    return _share_beyond(means[0] - means[1])


def random_effects(ours: Evidence, theirs: Evidence) -> float | None:
    """Compute Wald's test of our two-way random-effects analysis of variance, with the normal quantile.

    For a balanced layout it equals a mixed model with seeds and examples as random effects, fitted by restricted
    maximum likelihood, as long as no component is 0 (Searle, Casella and McCulloch 1992, section 4.8).
    """
    from scipy.special import ndtr  # noqa: PLC0415 -- as above

    found = difference(ours, theirs)
    if not found.standard_error:
        return None
    return 2 * float(ndtr(-abs(found.value) / found.standard_error))


RIVALS: Mapping[str, Rival] = {
    "McNemar, one seed": mcnemar,
    "Welch t over seeds": welch,
    "bootstrap over examples": bootstrap,
    "multi-bootstrap": multi_bootstrap,
    "random-effects ANOVA, Wald": random_effects,
}


def _answers(model: Evidence) -> Floats | None:
    """Return which answers of the first seed are right [examples]; None for other values, or if grouped."""
    values = model.contributions[0] * model.contributions.shape[1] + model.scores[0]
    rounded = np.round(values)
    is_grouped = model.shares is not None and np.ptp(model.shares) > 0
    if is_grouped or not np.allclose(values, rounded, atol=1e-9) or not set(rounded.tolist()) <= {0.0, 1.0}:
        return None
    return np.asarray(rounded)


@cache
def _resamples(count: int, stream: int = 2) -> Floats:
    """Draw how often each of `count` items is in a resample with replacement [resamples, count]."""
    return np.random.default_rng([count, stream]).multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(float)


def _share_beyond(resampled: Floats) -> float:
    """Compute the two-sided p-value from a bootstrap's percentiles: twice the fraction on the rarer side of 0."""
    return min(1.0, 2 * float(min((resampled <= 0).mean(), (resampled >= 0).mean())))
