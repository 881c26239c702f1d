"""Learner: a model with everything that a step needs, on one process or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from accelerate.utils.memory import should_reduce_batch_size
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.data.items import Batch, Collator, Features, Item, passes
from harness.data.kind import Kind


class DivergedError(Exception):
    """The loss is not a finite number."""


@dataclass
class Learner:
    """A model that takes optimiser steps and evaluates.

    Attributes:
        model: A transformers model, on the accelerator's device.
        kind: The task's kind.
        collator: Makes batches.
        accelerator: Devices, precision, processes.
        optimizer: Over the model's parameters.
        scheduler: Of the learning rate.
        max_grad_norm: The gradient is clipped to this length.
        micro_batch_size: Most windows in one forward pass; halved when memory runs out.
        notes: What happened on the way.
    """

    model: Any
    kind: Kind
    collator: Collator
    accelerator: Accelerator
    optimizer: torch.optim.Optimizer
    scheduler: Any
    max_grad_norm: float
    micro_batch_size: int
    notes: list[str]

    def step(self, items: Sequence[Item]) -> float:
        """One optimiser step on the mean loss of `items`, however many passes and processes share them.

        Returns:
            The mean loss.

        Raises:
            DivergedError: It is not finite.
        """
        self.model.train()
        loss = self._gradients(items)
        if not math.isfinite(loss):
            raise DivergedError(f"the training loss is {loss}")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()
        return loss

    def _gradients(self, items: Sequence[Item]) -> float:
        """Fill the gradients; where memory runs out, with smaller passes."""
        generator = torch.get_rng_state()
        while True:
            failure: RuntimeError | None = None
            try:
                total = self._accumulated(items)
            except RuntimeError as error:
                if not should_reduce_batch_size(error):
                    raise
                total, failure = torch.zeros(()), error
            if not self.anywhere(failure is not None):
                return float(self._summed(total))
            if self.micro_batch_size == 1:
                raise failure or RuntimeError("another process ran out of memory")
            self.micro_batch_size //= 2
            self.notes.append(f"out of memory: micro_batch_size lowered to {self.micro_batch_size}, the same optimisation")
            self.optimizer.zero_grad()
            torch.set_rng_state(generator)

    def _accumulated(self, items: Sequence[Item]) -> Tensor:
        """Back-propagate this process's share of the mean loss, pass by pass."""
        total = torch.zeros((), device=self.accelerator.device)
        for group in passes(self._share(items), self.micro_batch_size):
            batch = self.collator(group)
            loss = self.kind.losses(self._scores(batch), batch, self.collator).sum() / len(items)
            self.accelerator.backward(loss)
            total += loss.detach()
        self._sum_gradients()
        return total

    def _scores(self, batch: Batch) -> Tensor:
        """The kind's scores of a batch; more windows than a pass may hold are recomputed in the backward pass."""
        names = self.kind.head().outputs
        count = len(batch.inputs["input_ids"])
        if count <= self.micro_batch_size:
            return self.kind.scores(self._forward(names, batch.inputs), batch)
        parts = []
        for start in range(0, count, self.micro_batch_size):
            part = {name: rows[start : start + self.micro_batch_size] for name, rows in batch.inputs.items()}
            parts.append(checkpoint(self._forward, names, part, use_reentrant=False))
        return self.kind.scores(tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True)), batch)

    def _forward(self, names: Sequence[str], inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
        with self.accelerator.autocast():
            output = self.model(**inputs)
        return tuple(output[name] for name in names)

    @torch.no_grad()
    def evaluate(self, features: Features, examples: Sequence[Any]) -> tuple[float, Any]:
        """The mean loss and the kind's outputs, each item read exactly once whatever the number of processes."""
        self.model.eval()
        items = features.items
        mine = sorted(self._share(range(len(items))), key=lambda index: items[index].length)
        found: list[tuple[int, float, Any]] = []
        places = iter(mine)
        for group in passes([items[index] for index in mine], max(self.micro_batch_size, 32)):
            batch = self.collator(group)
            scores = self._scores(batch)
            losses = self.kind.losses(scores, batch, self.collator).tolist()
            results = self.kind.results(scores, batch, self.collator)
            found += [(next(places), loss, result) for loss, result in zip(losses, results, strict=True)]
        everything = sorted(gather_object(found), key=lambda row: row[0])
        loss = sum(row[1] for row in everything) / len(everything)
        return loss, self.kind.outputs([row[2] for row in everything], features, examples)

    def _share(self, items: Sequence[Any]) -> Sequence[Any]:
        """What of a batch, or of a split, is this process's."""
        return items[self.accelerator.process_index :: self.accelerator.num_processes]

    def _sum_gradients(self) -> None:
        """Add up the gradients of all processes, once a step."""
        if self.accelerator.num_processes == 1:
            return
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = self.accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), reduction="sum")
        for parameter, gradient in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = gradient.view_as(parameter)

    def _summed(self, total: Tensor) -> Tensor:
        return self.accelerator.reduce(total, reduction="sum")

    def anywhere(self, happened: bool) -> bool:
        """Whether it happened on any process."""
        if self.accelerator.num_processes == 1:
            return happened
        flag = torch.tensor(float(happened), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum") > 0)
