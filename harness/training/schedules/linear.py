"""Down to zero at the last step, evenly (Devlin et al. 2019, appendix A.2): the default."""

from __future__ import annotations


def schedule(step: int, steps: int) -> float:
    """The share of the peak learning rate, from 1 to 0."""
    return max(0.0, (steps - step) / max(1, steps))
