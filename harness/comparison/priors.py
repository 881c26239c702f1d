"""The variances that a plan assumes before any run of the task is recorded.

Nothing is assumed for metrics without a range, such as perplexity or squared error: their variance depends on the scale
of the data.
"""

from __future__ import annotations

from math import isfinite

from harness.metrics.metric import Unit

SEED_DEVIATION = 0.02
"""For a score between 0 and 1: 2 points. The middle regime of docs/statistics.md; 8 points is the unstable one."""
SHARE_RIGHT = 0.8
"""Share of correct examples. The variance of one example is p (1 - p), and two models share half of it."""
SHARED = 0.5
SOURCE = (
    "by a prior, as there are no recorded runs: seeds 2 points apart (standard deviation), 80 % of examples right, "
    "half of what makes them so shared by two models"
)


def assumed_variances(unit: Unit) -> tuple[float, float] | None:
    """The variance that one example adds to a difference, and one seed to a score; None without a range."""
    if not (isfinite(unit.least) and isfinite(unit.most)):
        return None
    return 2 * (1 - SHARED) * SHARE_RIGHT * (1 - SHARE_RIGHT), SEED_DEVIATION**2
