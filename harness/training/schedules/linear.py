"""Linear decay to zero at the last step (Devlin et al. 2019, appendix A.2): the default."""

from __future__ import annotations


def schedule(step: int, steps: int) -> float:
    """Return the learning rate as a share of the peak, from 1 to 0."""
    return max(0.0, (steps - step) / max(1, steps))
