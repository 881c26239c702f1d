"""Cosine decay to zero at the last step.

Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5, without restarts.
"""

from __future__ import annotations

import math


def schedule(step: int, steps: int) -> float:
    """Return the learning rate as a share of the peak, from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))
