"""Optimizer and learning rate as a recipe has them, and how many steps it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from harness.config.training import Training
from harness.registry import OPTIMIZERS, SCHEDULES
from harness.training.optimizers import Groups, Optimizer

_NORMS = (nn.LayerNorm, nn.RMSNorm)


class OptimizerSettings(Protocol):
    """What a recipe says of optimizer and learning rate, of fine-tuning and of pretraining alike."""

    @property
    def optimizer(self) -> str:
        """A file's name in harness/training/optimizers."""

    @property
    def schedule(self) -> str:
        """A file's name in harness/training/schedules."""

    @property
    def learning_rate(self) -> float:
        """The highest one."""

    @property
    def weight_decay(self) -> float:
        """On weight matrices only."""

    @property
    def warmup_ratio(self) -> float:
        """Share of the steps in which the learning rate rises."""


def make_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """The recipe's optimizer over the model's parameters."""
    return _named(settings).make(_groups(model, settings.weight_decay), settings.learning_rate)


def make_scheduler(optimizer: torch.optim.Optimizer, settings: OptimizerSettings, steps: int) -> LambdaLR:
    """What sets the optimizer's learning rate before each of `steps` steps."""
    return LambdaLR(optimizer, _shares_of_the_peak(settings, steps))


def trains_used_rows_exactly(settings: OptimizerSettings) -> bool:
    """Whether the rows of an embedding that have a gradient can be trained without the others, to the same end."""
    return _named(settings).unused_rows_decay is not None


def unused_rows_decay(settings: OptimizerSettings, *, steps: int, taken: int) -> float:
    """What the first `taken` of `steps` steps leave of a row of an embedding that has no gradient, from 0 to 1."""
    decay = _named(settings).unused_rows_decay
    assert decay is not None, settings.optimizer
    share = _shares_of_the_peak(settings, steps)
    return decay([settings.learning_rate * share(step) for step in range(taken)], settings.weight_decay)


def number_of_steps(training: Training, steps_per_epoch: int) -> int:
    """Optimizer steps of the whole run."""
    steps = max(math.ceil(training.epochs * steps_per_epoch), training.minimum_steps, 1)
    return steps if training.maximum_steps is None else min(steps, training.maximum_steps)


def evaluation_steps(training: Training, steps_per_epoch: int, steps: int) -> frozenset[int]:
    """The steps after which the validation split is scored: evenly through each epoch, and at the end."""
    every = steps_per_epoch / training.evaluations_per_epoch
    count = math.floor(steps / every)
    return frozenset(
        {max(1, round(every * index)) for index in range(1, count + 1)} & set(range(1, steps + 1)) | {steps}
    )


def _named(settings: OptimizerSettings) -> Optimizer:
    found: Optimizer = OPTIMIZERS.load(settings.optimizer)
    return found


def _shares_of_the_peak(settings: OptimizerSettings, steps: int) -> Callable[[int], float]:
    """From a step, counted from 0, to the share of the peak that its learning rate is."""
    warmup, schedule = math.ceil(settings.warmup_ratio * steps), SCHEDULES.load(settings.schedule)

    def share(step: int) -> float:
        return step / warmup if step < warmup else float(schedule(step - warmup, steps - warmup))

    return share


def _groups(model: nn.Module, weight_decay: float) -> Groups:
    """The parameters in two groups, with weight decay on matrices only (Devlin et al. 2019, appendix A.2)."""
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
