"""The variance that seeds add in the comparison's median model: a safeguard against seeds that happen to agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparison.statistics import Evidence, Part, residual

MODELS_FOR_A_MEDIAN = 3


def typical_seeds(models: Sequence[Evidence]) -> Part | None:
    """The variance that seeds add to a run of the median model; None if there are too few models, or it is zero.

    The median is used and not the mean, so that one model with unstable training does not mask the others. Each
    variance is divided by the median of the chi-squared distribution over its degrees of freedom. The efficiency is
    about 0.6 times that of the mean.
    """
    from scipy.special import gammaincinv  # noqa: PLC0415 -- only comparing needs it

    found = [model for model in models if model.knows_examples and len(model.scores) > 1]
    if len(found) < MODELS_FOR_A_MEDIAN:
        return None
    freedoms = np.array([len(model.scores) - 1 for model in found], dtype=np.float64)
    medians = 2 * gammaincinv(freedoms / 2, 0.5) / freedoms
    variance = float(np.median([model.scores.var(ddof=1) for model in found] / medians))
    component = variance - float(np.median([residual(model) * len(model.scores) for model in found]))
    return Part(component, 0.6 * float(freedoms.sum())) if component > 0 else None
