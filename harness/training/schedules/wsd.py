"""Warm-up, stable, decay: the peak for most steps, then linear decay to zero over the last fifth.

Source: Hu et al. 2024, "MiniCPM", section 4.2. The share of decay, and its linear shape, are those that Hägele et al.
2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", section 4, find sufficient.
"""

from __future__ import annotations

import math

DECAYING = 0.2


def schedule(step: int, steps: int) -> float:
    """Return the learning rate as a share of the peak, from 1 to 0."""
    return min(1.0, max(0.0, (steps - step) / max(1, math.ceil(DECAYING * steps))))
