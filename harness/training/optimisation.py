"""Optimizer, learning rate schedule and number of steps of a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from harness.config.training import Training
from harness.models.depth import depths_of
from harness.registry import OPTIMIZERS, SCHEDULES
from harness.training.optimizers import Groups, Optimizer

_NORMS = (nn.LayerNorm, nn.RMSNorm)


class OptimizerSettings(Protocol):
    """Settings of optimizer and learning rate that fine-tuning and pretraining share: see `Optimisation`."""

    optimizer: str
    schedule: str
    learning_rate: float
    weight_decay: float
    warmup_ratio: float


def make_optimizer(
    model: nn.Module, settings: OptimizerSettings, rates: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """Create the recipe's optimizer.

    Args:
        model: The model.
        settings: The recipe.
        rates: The peak learning rate of each parameter by name; None to use the recipe's for all.
    """
    groups = _groups(model, settings.weight_decay)
    if rates is not None:
        groups = _by_rate(groups, {id(p): rates[name] for name, p in model.named_parameters() if p.requires_grad})
    return _named(settings).make(groups, settings.learning_rate)


def learning_rates(model: Any, training: Training) -> dict[str, float] | None:
    """Return the peak learning rate of each parameter by name, or None if there is only one.

    Raises:
        UserError: If the model's layers cannot be identified.
    """
    if training.layer_decay is None and training.head_learning_rate is None:
        return None
    depths = depths_of(model, "layer_decay" if training.head_learning_rate is None else "head_learning_rate")
    decay, head = training.layer_decay or 1.0, training.head_learning_rate or training.learning_rate
    return {
        name: head if name in depths.head else training.learning_rate * decay ** (depths.layers + 1 - depth)
        for name, depth in depths.of.items()
    }


def peak_of(optimizer: torch.optim.Optimizer, parameter: torch.Tensor) -> float:
    """Return the peak learning rate of a parameter, after a schedule was created."""
    return next(group["initial_lr"] for group in optimizer.param_groups if any(p is parameter for p in group["params"]))


def make_scheduler(optimizer: torch.optim.Optimizer, settings: OptimizerSettings, steps: int) -> LambdaLR:
    """Create the learning rate schedule for `steps` steps."""
    return LambdaLR(optimizer, _shares_of_the_peak(settings, steps))


def trains_used_rows_exactly(settings: OptimizerSettings) -> bool:
    """Whether training only the embedding rows that receive gradients gives the same result as training all."""
    return _named(settings).unused_rows_decay is not None


def unused_rows_decay(settings: OptimizerSettings, *, steps: int, taken: int, peak: float | None = None) -> float:
    """Return the factor, from 0 to 1, by which the first `taken` steps shrink an embedding row without a gradient.

    Args:
        settings: The recipe.
        steps: Number of steps of the whole schedule.
        taken: Number of steps that count.
        peak: The peak learning rate of the embedding matrix; None for that of the recipe.
    """
    decay = _named(settings).unused_rows_decay
    assert decay is not None, settings.optimizer
    share, highest = _shares_of_the_peak(settings, steps), settings.learning_rate if peak is None else peak
    return decay([highest * share(step) for step in range(taken)], settings.weight_decay)


def evaluation_steps(training: Training, steps_per_epoch: int, steps: int) -> frozenset[int]:
    """Return the steps after which validation is scored: evenly spaced within each epoch, and the last one."""
    every = steps_per_epoch / training.evaluations_per_epoch
    count = math.floor(steps / every)
    return frozenset(
        {max(1, round(every * index)) for index in range(1, count + 1)} & set(range(1, steps + 1)) | {steps}
    )


def _named(settings: OptimizerSettings) -> Optimizer:
    found: Optimizer = OPTIMIZERS.load(settings.optimizer)
    return found


def _shares_of_the_peak(settings: OptimizerSettings, steps: int) -> Callable[[int], float]:
    """Return a function from a step, counted from 0, to its learning rate as a share of the peak."""
    warmup, schedule = math.ceil(settings.warmup_ratio * steps), SCHEDULES.load(settings.schedule)

    def share(step: int) -> float:
        return step / warmup if step < warmup else float(schedule(step - warmup, steps - warmup))

    return share


def _groups(model: nn.Module, weight_decay: float) -> Groups:
    """Group the parameters, with weight decay on matrices only (Devlin et al. 2019, appendix A.2)."""
    bare = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if isinstance(module, _NORMS) or name.endswith("bias") or parameter.ndim < 2
    }
    trained: list[Any] = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if id(p) not in bare], "weight_decay": weight_decay},
        {"params": [p for p in trained if id(p) in bare], "weight_decay": 0.0},
    ]


def _by_rate(groups: Groups, rates: Mapping[int, float]) -> Groups:
    """Split each group by learning rate, highest first."""
    return [
        {**group, "lr": rate, "params": [p for p in group["params"] if rates[id(p)] == rate]}
        for group in groups
        for rate in sorted({rates[id(p)] for p in group["params"]}, reverse=True)
    ]
