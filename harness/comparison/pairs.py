"""P-values of all pairs of a family at once, equal to those of `difference` for each pair.

Two hundred models make twenty thousand pairs. Per-model quantities are computed once, the examples' part row by row,
and the levels of all pairs together (`harness.comparison.p_values`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.comparison.p_values import Parts, p_values
from harness.comparison.statistics import NO_SPREAD, Evidence, Floats, Part, difference, residual

Indexes = NDArray[np.intp]


def one_sided_p_values(models: Sequence[Evidence], typical: Part | None, sign: int) -> Floats:
    """The unadjusted p-value of the row's model being ahead of the column's [models, models]; NaN if not tested.

    Args:
        models: The evidence of each model, all on the same clusters of test examples.
        typical: The variance that seeds add to a run of the comparison's median model.
        sign: -1 if lower scores are better.
    """
    found = np.full((len(models), len(models)), np.nan)
    tested = [place for place, model in enumerate(models) if model.knows_seeds and model.knows_examples]
    if len(tested) < 2:
        return found
    evidence = [models[place] for place in tested]
    one, other = np.triu_indices(len(tested), 1)
    means = np.array([model.scores.mean() for model in evidence])
    gains = sign * (means[one] - means[other])
    two_sided = _two_sided(evidence, typical, one, other, np.abs(gains))
    better = np.where(gains > 0, two_sided / 2, 1 - two_sided / 2)
    places = np.array(tested)
    found[places[one], places[other]], found[places[other], places[one]] = better, 1 - better
    return found


def _two_sided(
    models: Sequence[Evidence], typical: Part | None, one: Indexes, other: Indexes, distances: Floats
) -> Floats:
    """The p-values of the pairs [pairs]; NaN with fewer than two effective clusters of examples."""
    examples = _examples_parts(models, one, other)
    own = _seeds_parts(models, one, other)
    found = np.full(len(one), np.nan)
    has_spread = np.sqrt(examples.variance + own.variance) >= NO_SPREAD
    known = examples.freedom >= 1 - 1e-9
    usual = known & has_spread
    found[usual] = p_values(distances[usual], [examples.of(usual), own.of(usual)])
    if typical is not None:
        runs = np.array([1 / len(model.scores) if len(model.scores) > 1 else 0.0 for model in models])
        shared = Parts(typical.variance * (runs[one] + runs[other]), np.full(len(one), typical.freedom))
        found[usual] = np.maximum(found[usual], p_values(distances[usual], [examples.of(usual), shared.of(usual)]))
    for pair in np.flatnonzero(known & ~has_spread).tolist():
        exact = difference(models[one[pair]], models[other[pair]]).p_value
        found[pair] = np.nan if exact is None else exact
    return found


def _examples_parts(models: Sequence[Evidence], one: Indexes, other: Indexes) -> Parts:
    """The variance of each pair's difference that is due to the examples."""
    averages = np.stack([model.contributions.mean(axis=0) for model in models])
    leverages = models[0].leverages
    variances = [((row - averages[place + 1 :]) ** 2) @ leverages for place, row in enumerate(averages)]
    clusters, inflations = (
        np.array([getattr(model, name) for model in models]) for name in ("effective_clusters", "inflation")
    )
    variance = np.concatenate(variances) * np.maximum(inflations[one], inflations[other])
    return Parts(variance, np.minimum(clusters[one], clusters[other]) - 1)


def _seeds_parts(models: Sequence[Evidence], one: Indexes, other: Indexes) -> Parts:
    """The variance due to the seeds, less the residual; zero if the residual explains it."""
    several = [len(model.scores) > 1 for model in models]
    variances = np.array(
        [m.scores.var(ddof=1) / len(m.scores) if s else 0.0 for m, s in zip(models, several, strict=True)]
    )
    residuals = np.array([residual(m) if s else 0.0 for m, s in zip(models, several, strict=True)])
    freedoms = np.array([max(len(model.scores) - 1, 1) for model in models])
    total = variances[one] + variances[other]
    squares = variances[one] ** 2 / freedoms[one] + variances[other] ** 2 / freedoms[other]
    component = np.maximum(total - (residuals[one] + residuals[other]), 0.0)
    return Parts(component, np.divide(total**2, squares, out=np.ones_like(total), where=squares > 0))
