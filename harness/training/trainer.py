"""Trainer: a model that takes optimiser steps, on one process or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils.memory import should_reduce_batch_size
from torch import Tensor, nn

from harness.ops.device import generators, restore_generators
from harness.record import CurvePoint
from harness.training.sharding import Shards, in_step


class DivergedError(Exception):
    """The loss is not a finite number.

    Attributes:
        curve: What was measured until then.
    """

    curve: Sequence[CurvePoint] = ()


def check_loss(loss: float) -> None:
    """Check that a training loss is a number.

    Raises:
        DivergedError: It is not finite.
    """
    if not math.isfinite(loss):
        raise DivergedError(f"the training loss is {loss}")


class Trainable(Protocol):
    """What a trainer asks of a model: losses of items, and which of them are read together.

    Attributes:
        model: A transformers model, on the accelerator's device.
        accelerator: Devices, precision, processes.
        micro_batch_size: Most of an item's parts in one forward pass.
        recurrent_state: What goes on from step to step beside weights, such as memories; saved with a run's state.
        shards: That the model is cut among the processes, which then read in step; None: each has it whole.
    """

    model: Any
    accelerator: Accelerator
    micro_batch_size: int
    recurrent_state: dict[str, Tensor]
    shards: Shards | None

    def losses(self, items: Sequence[Any]) -> Tensor:
        """One loss per item [items], with its graph."""

    def weight(self, items: Sequence[Any]) -> float:
        """What the sum of a step's losses is divided by: how many items, where each counts as much as any other."""

    def passes(self, items: Sequence[Any]) -> list[list[Any]]:
        """The items in groups that are read together."""

    def share(self, items: Sequence[Any]) -> Sequence[Any]:
        """What of a step is this process's."""


Forwarded = TypeVar("Forwarded", bound=Trainable)


@dataclass
class Trainer(Generic[Forwarded]):
    """A model with what it takes to train it.

    Attributes:
        forward: Scores items, a `Forward` in fine-tuning; its passes are halved when memory runs out.
        optimizer: Over the model's parameters.
        scheduler: Of the learning rate.
        max_grad_norm: The gradient is clipped to this length.
        notes: What happened on the way.
        frozen: Parts of the model without a gradient, which are read as in evaluation, without dropout.
    """

    forward: Forwarded
    optimizer: torch.optim.Optimizer
    scheduler: Any
    max_grad_norm: float
    notes: list[str]
    frozen: Sequence[nn.Module] = ()

    def step(self, items: Sequence[Any]) -> Tensor:
        """One optimiser step on the mean loss of `items`, however many passes and processes share them.

        Returns:
            The mean loss []. That of a GPU stays there: who reads it waits until the GPU has done all its work.

        Raises:
            DivergedError: It is not finite. That of a GPU is checked where it is read (`Progress.read_loss`).
        """
        if not self.forward.model.training:
            self.forward.model.train()  # Visits each module: no small part of a small model's step.
            for part in self.frozen:
                part.eval()
        loss = self._gradients(items)
        if not loss.is_cuda:
            loss = loss.cpu()
            check_loss(float(loss))
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, self.max_grad_norm)
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()
        return loss

    def anywhere(self, happened: bool) -> bool:
        """Whether it happened on any process."""
        if self.forward.accelerator.num_processes == 1:
            return happened
        return bool(self._summed(torch.tensor(float(happened), device=self.forward.accelerator.device)) > 0)

    def _gradients(self, items: Sequence[Any]) -> Tensor:
        """Fill the gradients; where memory runs out, with smaller passes."""
        drawn = generators(self.forward.accelerator.device)
        while True:
            failure: RuntimeError | None = None
            total = torch.zeros((), device=self.forward.accelerator.device)
            try:
                total = self._accumulated(items)
            except RuntimeError as error:
                # Of processes that share a model, the others wait in the middle of a pass: none can begin anew.
                if not should_reduce_batch_size(error) or self.forward.shards is not None:
                    raise
                failure = error
            if not self.anywhere(failure is not None):
                self._sum_gradients()
                return self._summed(total)
            self._lower_memory(failure)
            self.optimizer.zero_grad()
            restore_generators(drawn)

    def _accumulated(self, items: Sequence[Any]) -> Tensor:
        """Back-propagate this process's share of the mean loss, pass by pass."""
        total = torch.zeros((), device=self.forward.accelerator.device)
        weight = self.forward.weight(items)  # Of the whole step: how it is cut into passes must not matter.
        groups, shards = self.forward.passes(self.forward.share(items)), self.forward.shards
        for group, counts in in_step(shards, groups, items[:1]):
            loss = self.forward.losses(group).sum() / weight
            if shards is not None:
                loss = loss * counts
            self.forward.accelerator.backward(loss if shards is None else loss * shards.factor)
            total += loss.detach()
        return total

    def _lower_memory(self, failure: RuntimeError | None) -> None:
        if self.forward.micro_batch_size == 1:
            raise failure or MemoryError("another process ran out of memory")
        self.forward.micro_batch_size //= 2
        half = self.forward.micro_batch_size
        self.notes.append(f"out of memory: micro_batch_size lowered to {half}, with the same optimisation")

    def _sum_gradients(self) -> None:
        """Add up the gradients of all processes, once a step."""
        if self.forward.accelerator.num_processes == 1 or self.forward.shards is not None:
            return
        parameters = [parameter for parameter in self.forward.model.parameters() if parameter.requires_grad]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = self._summed(torch.cat([gradient.flatten() for gradient in gradients]))
        for parameter, gradient in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = gradient.view_as(parameter)

    def _summed(self, values: Tensor) -> Tensor:
        return self.forward.accelerator.reduce(values, reduction="sum")
