"""The peak for most of the steps, then down to zero over the last fifth, evenly: warm-up, stable, decay.

Source: Hu et al. 2024, "MiniCPM", section 4.2. The share that decays, and its even slope, are those that Hägele et al.
2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", section 4, find enough.
"""

from __future__ import annotations

import math

DECAYING = 0.2


def schedule(step: int, steps: int) -> float:
    """The share of the peak learning rate, from 1 to 0."""
    return min(1.0, max(0.0, (steps - step) / max(1, math.ceil(DECAYING * steps))))
