"""Stochastic gradient descent with a momentum of 0.9; weight decay is part of the gradient.

Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", section 2, as
implemented in PyTorch: the learning rate also scales the momentum. It takes far higher learning rates than AdamW.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.training.optimizers import Groups, Optimizer

MOMENTUM = 0.9


def _make(groups: Groups, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=learning_rate, momentum=MOMENTUM)


def _unused_rows_decay(rates: Sequence[float], weight_decay: float) -> float:
    """Apply decay through the momentum like a gradient, in proportion to the parameter itself."""
    left, velocity = 1.0, 0.0
    for rate in rates:
        velocity = MOMENTUM * velocity + weight_decay * left
        left -= rate * velocity
    return left


optimizer = Optimizer(_make, _unused_rows_decay)
