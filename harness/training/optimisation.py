"""The optimiser and its schedule."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from harness.config.training import Training

_NORMS = (nn.LayerNorm, nn.RMSNorm)


class Rates(Protocol):
    """What a recipe says of the optimiser."""

    @property
    def learning_rate(self) -> float:
        """The highest one."""

    @property
    def weight_decay(self) -> float:
        """AdamW's, on weight matrices only."""

    @property
    def warmup_ratio(self) -> float:
        """Share of the steps in which the learning rate rises."""


def adamw(model: nn.Module, training: Rates) -> torch.optim.AdamW:
    """AdamW with bias correction, and weight decay on matrices only (Devlin et al. 2019, appendix A.2)."""
    bare = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if isinstance(module, _NORMS) or name.endswith("bias") or parameter.ndim < 2
    }
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if id(p) not in bare], "weight_decay": training.weight_decay},
        {"params": [p for p in trained if id(p) in bare], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, fused=True)


def linear_schedule(optimizer: torch.optim.Optimizer, training: Rates, steps: int) -> Any:
    """The learning rate rises over the warm-up, then falls to zero at the last step."""
    return get_linear_schedule_with_warmup(optimizer, math.ceil(training.warmup_ratio * steps), steps)


def number_of_steps(training: Training, steps_per_epoch: int) -> int:
    """Optimiser steps of the whole run."""
    steps = max(math.ceil(training.epochs * steps_per_epoch), training.minimum_steps, 1)
    return steps if training.maximum_steps is None else min(steps, training.maximum_steps)


def evaluation_steps(training: Training, steps_per_epoch: int, steps: int) -> frozenset[int]:
    """The steps after which the validation split is scored: evenly through each epoch, and at the end."""
    every = steps_per_epoch / training.evaluations_per_epoch
    count = math.floor(steps / every)
    return frozenset(
        {max(1, round(every * index)) for index in range(1, count + 1)} & set(range(1, steps + 1)) | {steps}
    )
