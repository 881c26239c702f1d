"""What a plan takes scores to vary by where no run of the task has told yet.

Of metrics without a range, such as perplexity or squared error, nothing is taken: how far they vary depends on the
data's own scale.
"""

from __future__ import annotations

from math import isfinite

from harness.metrics.metric import Unit

SEED_DEVIATION = 0.02
"""Of a score between 0 and 1: 2 points. The middle regime of docs/statistics.md, where 8 points are the shaky one."""
SHARE_RIGHT = 0.8
"""Examples that a model has right. The variance of one example is p (1 - p), and two models share half of it."""
SHARED = 0.5
SOURCE = (
    "by a prior, as there are no recorded runs: seeds 2 points apart (standard deviation), 80 % of "
    "examples right, half of "
    "what makes them so shared by two models"
)


def assumed_variances(unit: Unit) -> tuple[float, float] | None:
    """What one example adds to the variance of a difference, and one seed to that of a score; None without a range."""
    if not (isfinite(unit.least) and isfinite(unit.most)):
        return None
    return 2 * (1 - SHARED) * SHARE_RIGHT * (1 - SHARE_RIGHT), SEED_DEVIATION**2
