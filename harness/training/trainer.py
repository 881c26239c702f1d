"""Trainer: optimizer steps on one process or several."""

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
from harness.training.sharding import in_step, own_share


class DivergedError(Exception):
    """The loss is not finite.

    Attributes:
        curve: Evaluations until then.
    """

    curve: Sequence[CurvePoint] = ()


def check_loss(loss: float) -> None:
    """Check that a training loss is finite.

    Raises:
        DivergedError: If it is not.
    """
    if not math.isfinite(loss):
        raise DivergedError(f"the training loss is {loss}")


class Trainable(Protocol):
    """The interface of a model to the trainer: losses of items, and which items are read together.

    Attributes:
        model: A transformers model on the accelerator's device.
        accelerator: Device, precision and processes.
        micro_batch_size: Maximum number of windows per forward pass.
        recurrent_state: State other than weights that continues from step to step, such as memories; saved with the
            run's state.
        is_sharded: Whether the model is sharded over processes, which then run in step, rather than whole on each.
    """

    model: Any
    accelerator: Accelerator
    micro_batch_size: int
    recurrent_state: dict[str, Tensor]
    is_sharded: bool

    def losses(self, items: Sequence[Any]) -> Tensor:
        """Compute the loss of each item [items], with its graph."""

    def weight(self, items: Sequence[Any]) -> float:
        """Return the number that the sum of a step's losses is divided by; the number of items if all count equally."""

    def passes(self, items: Sequence[Any]) -> list[list[Any]]:
        """Divide the items into groups that are read together."""


Forwarded = TypeVar("Forwarded", bound=Trainable)


@dataclass
class Trainer(Generic[Forwarded]):
    """A model with its optimizer and schedule.

    Attributes:
        forward: Computes losses of items, a `Forward` in fine-tuning. Its passes are halved when memory runs out.
        optimizer: The optimizer of the model's parameters.
        scheduler: The learning rate schedule.
        max_grad_norm: Gradients are clipped to this norm.
        notes: Remarks for the record.
        frozen: Parts of the model without gradients, which run in evaluation mode.
        keeps_gradients: Whether gradients are set to zero in place after a step rather than removed.
    """

    forward: Forwarded
    optimizer: torch.optim.Optimizer
    scheduler: Any
    max_grad_norm: float
    notes: list[str]
    frozen: Sequence[nn.Module] = ()
    keeps_gradients: bool = False

    def __post_init__(self) -> None:
        # A model made of two loaded ones says that it trains while its parts do not: no part is left behind.
        self.forward.model.eval()

    def step(self, items: Sequence[Any]) -> Tensor:
        """Take an optimizer step on the mean loss of `items`, whatever the number of passes and processes.

        Returns:
            The mean loss []. On a GPU it stays there, because reading it would wait for the GPU.

        Raises:
            DivergedError: If the loss is not finite. On a GPU this is checked later (`Progress.read_loss`).
        """
        self._begin_training()
        loss = self._gradients(items)
        if not loss.is_cuda:
            loss = loss.cpu()
            check_loss(float(loss))
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, self.max_grad_norm)
        self.optimizer.step()
        self.scheduler.step()
        self._clear_gradients()
        return loss

    def rehearse(self, items: Sequence[Any]) -> None:
        """Compute the gradients of a step without taking it; the random state stays the same."""
        drawn, size, notes = generators(self.forward.accelerator.device), self.forward.micro_batch_size, [*self.notes]
        self._begin_training()
        self._gradients(items)
        self._clear_gradients()
        self.forward.micro_batch_size, self.notes[:] = size, notes
        restore_generators(drawn)

    def anywhere(self, happened: bool) -> bool:
        """Return whether `happened` is true on any process."""
        if self.forward.accelerator.num_processes == 1:
            return happened
        return bool(self._summed(torch.tensor(float(happened), device=self.forward.accelerator.device)) > 0)

    def _clear_gradients(self) -> None:
        self.optimizer.zero_grad(set_to_none=not self.keeps_gradients)

    def _begin_training(self) -> None:
        if not self.forward.model.training:
            self.forward.model.train()  # Only if needed: it visits every module, which takes time in a small model.
            for part in self.frozen:
                part.eval()

    def _gradients(self, items: Sequence[Any]) -> Tensor:
        """Compute the gradients, with smaller passes if memory runs out."""
        drawn = generators(self.forward.accelerator.device)
        while True:
            failure: RuntimeError | None = None
            total = torch.zeros((), device=self.forward.accelerator.device)
            try:
                total = self._accumulated(items)
            except RuntimeError as error:
                # With a sharded model the other processes wait in the middle of a pass, so it cannot be repeated.
                if not should_reduce_batch_size(error) or self.forward.is_sharded:
                    raise
                failure = error
            if not self.anywhere(failure is not None):
                self._sum_gradients()
                return self._summed(total)
            self._lower_memory(failure)
            self._clear_gradients()
            restore_generators(drawn)

    def _accumulated(self, items: Sequence[Any]) -> Tensor:
        """Back-propagate this process's share of the mean loss, pass by pass."""
        accelerator, is_sharded = self.forward.accelerator, self.forward.is_sharded
        total = torch.zeros((), device=accelerator.device)
        weight = self.forward.weight(items)  # Of the whole step, so that its division into passes does not matter.
        groups = self.forward.passes(own_share(items, accelerator))
        for group, counts in in_step(groups, items[:1], is_sharded=is_sharded):
            loss = self.forward.losses(group).sum() / weight
            if is_sharded:
                loss = loss * counts
            # Gradients of a sharded model are averaged over the processes, but should be summed.
            accelerator.backward(loss * accelerator.num_processes if is_sharded else loss)
            total += loss.detach()
        return total

    def _lower_memory(self, failure: RuntimeError | None) -> None:
        if self.forward.micro_batch_size == 1:
            raise failure or MemoryError("another process ran out of memory")
        self.forward.micro_batch_size //= 2
        half = self.forward.micro_batch_size
        self.notes.append(f"out of memory: micro_batch_size lowered to {half}, with the same optimisation")

    def _sum_gradients(self) -> None:
        """Sum the gradients over all processes; a parameter that none of them has used keeps none, as on one."""
        if self.forward.accelerator.num_processes == 1 or self.forward.is_sharded:
            return
        parameters = [parameter for parameter in self.forward.model.parameters() if parameter.requires_grad]
        uses = torch.tensor([float(p.grad is not None) for p in parameters], device=self.forward.accelerator.device)
        parameters = [p for p, count in zip(parameters, self._summed(uses).tolist(), strict=True) if count]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = self._summed(torch.cat([gradient.flatten() for gradient in gradients]))
        for parameter, gradient in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = gradient.view_as(parameter)

    def _summed(self, values: Tensor) -> Tensor:
        return self.forward.accelerator.reduce(values, reduction="sum")
