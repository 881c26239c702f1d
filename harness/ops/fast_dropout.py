"""Dropout from cheap random bits: torch's own takes as long on a processor as a matrix product.

Where our own compiled kernels are, they do it, in a fifth of the time that it takes here.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from harness.ops import native

# A number is kept or not by 16 random bits: the rate is met to 1/65536, and the scale is that of the rate met.
STEPS = 1 << 16


def dropped(states: Tensor, rate: float) -> Tensor:
    """`states`, of which a share of `rate` is set to zero and the rest is scaled so that the expectation stays.

    The bits come from torch's generator, so a seed or a restored state gives the same ones again.
    """
    below = round(rate * STEPS)
    if below == 0:
        return states
    if states.device.type != "cpu" or below == STEPS:
        return nn.functional.dropout(states, rate)
    dropped_states: Tensor = _Dropped.apply(states, below)
    return dropped_states


class _Dropped(torch.autograd.Function):
    """Keeps a byte a number for the backward pass."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, below: int) -> Tensor:
        kept = kept_places(states.shape, below)
        ctx.save_for_backward(kept)  # So that a checkpoint can drop it and draw it again.
        ctx.scale = STEPS / (STEPS - below)
        return (states * kept).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return (gradients[0] * kept).mul_(ctx.scale), None


def kept_places(shape: torch.Size, below: int) -> Tensor:
    """True at each place with probability 1 - below / 65536, on the CPU."""
    count = math.prod(shape)
    # One large draw of 64 bits at a time costs a fraction of a draw a number.
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    return (bits.view(torch.int16)[:count] >= below - STEPS // 2).view(shape)


def fastest_dropped(states: Tensor, rate: float) -> Tensor:
    """As `dropped`, by our own compiled kernels where they are."""
    return native.dropout(states, rate) if native.serves(states.device) and rate < 1 else dropped(states, rate)


class FastDropout(nn.Dropout):
    """nn.Dropout with cheaper randomness."""

    def forward(self, input: Tensor) -> Tensor:
        """The input, with dropout in training."""
        return fastest_dropped(input, self.p) if self.training else input


def with_fast_dropout(model: nn.Module) -> None:
    """Put `FastDropout` in the place of each nn.Dropout of the model; its state and its checkpoints stay the same."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                setattr(parent, name, FastDropout(child.p).train(child.training))
