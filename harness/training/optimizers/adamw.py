"""AdamW with bias correction: Adam with weight decay of its own, the default.

Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from harness.training.optimizers import Groups, Optimizer


def _make(groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _unused_rows_decay(rates: Sequence[float], weight_decay: float) -> float:
    """Both moments of a gradient that is always zero are zero, so that decay alone is left."""
    return math.prod(1 - rate * weight_decay for rate in rates)


optimizer = Optimizer(_make, _unused_rows_decay)
