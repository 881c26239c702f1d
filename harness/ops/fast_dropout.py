"""Dropout from cheap random bits. torch's own takes as long as a matrix product on a CPU.

Our compiled kernels, if available, take a fifth of the time of this implementation.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from harness.ops import native

# Each element uses 16 random bits: the rate is rounded to 1/65536, and the scale is that of the rounded rate.
STEPS = 1 << 16


def dropped(states: Tensor, rate: float) -> Tensor:
    """Set a share `rate` of `states` to zero and scale the rest to keep the expectation.

    The bits come from torch's generator, so that a seed or restored state reproduces them.
    """
    below = round(rate * STEPS)
    if below == 0:
        return states
    if states.device.type != "cpu" or below == STEPS:
        return nn.functional.dropout(states, rate)
    dropped_states: Tensor = _Dropped.apply(states, below)
    return dropped_states


class _Dropped(torch.autograd.Function):
    """Stores one byte per element for the backward pass."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, below: int) -> Tensor:
        kept = kept_places(states.shape, below)
        ctx.save_for_backward(kept)  # So that checkpointing can drop and recompute it.
        ctx.scale = STEPS / (STEPS - below)
        return (states * kept).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return (gradients[0] * kept).mul_(ctx.scale), None


def kept_places(shape: torch.Size, below: int) -> Tensor:
    """Return a mask on the CPU, where each element is True with probability 1 - below / 65536."""
    count = math.prod(shape)
    # Drawing 64 bits at a time costs a fraction of one draw per element.
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    return (bits.view(torch.int16)[:count] >= below - STEPS // 2).view(shape)


def fastest_dropped(states: Tensor, rate: float) -> Tensor:
    """Apply dropout as `dropped` does, with our compiled kernels if available."""
    return native.dropout(states, rate) if native.serves(states.device) and rate < 1 else dropped(states, rate)


class FastDropout(nn.Dropout):
    """nn.Dropout with cheaper randomness."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply dropout in training."""
        return fastest_dropped(input, self.p) if self.training else input


def with_fast_dropout(model: nn.Module) -> None:
    """Replace each nn.Dropout of the model by `FastDropout`; state and checkpoints stay the same."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                setattr(parent, name, FastDropout(child.p).train(child.training))
