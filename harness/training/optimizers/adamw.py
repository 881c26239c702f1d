"""AdamW with bias correction: Adam with decoupled weight decay, the default.

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
    """Return the effect of decay only, as both moments of a zero gradient are zero."""
    return math.prod(1 - rate * weight_decay for rate in rates)


optimizer = Optimizer(_make, _unused_rows_decay)
