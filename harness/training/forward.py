"""Forward: a model that scores items, on one process or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from accelerate.utils.memory import should_reduce_batch_size
from torch import Tensor

from harness.long_texts.scoring import Scoring
from harness.task_types.objective import Objective
from harness.tokenization.items import Batch, Collator, Features, Item, passes
from harness.training.sharding import in_step, own_share


@dataclass
class Forward:
    """A model that scores items.

    Attributes:
        model: A transformers model, on the accelerator's device.
        scoring: How long texts are scored.
        objective: The objective of the task type.
        collator: Collates items into batches.
        accelerator: Devices, precision and processes.
        micro_batch_size: Maximum number of windows in a forward pass.
        recurrent_state: Empty, since steps of fine-tuning do not depend on the previous one.
        is_sharded: Whether the model is sharded over processes, rather than whole on each.
    """

    model: Any
    scoring: Scoring
    objective: Objective
    collator: Collator
    accelerator: Accelerator
    micro_batch_size: int
    recurrent_state: dict[str, Tensor] = field(default_factory=dict)
    is_sharded: bool = False

    def losses(self, items: Sequence[Item]) -> Tensor:
        """One loss per item [items], with its graph if gradients are enabled."""
        batch = self.collator(items)
        return self.objective.losses(self._scores(batch), batch, self.collator)

    def scores(self, items: Sequence[Item]) -> Tensor:
        """Scores [items, ...] for losses and results, with their graph if gradients are enabled."""
        return self._scores(self.collator(items))

    def weight(self, items: Sequence[Item]) -> float:
        """The divisor of the summed losses of a step."""
        return self.objective.weight(items)

    def passes(self, items: Sequence[Item]) -> list[list[Item]]:
        """Group the items by forward pass."""
        return passes(items, self.micro_batch_size, self.scoring.size)

    @torch.no_grad()
    def evaluate(self, features: Features, examples: Sequence[Any]) -> tuple[float, Any]:
        """Return the mean plain loss and the objective's outputs. Each item is scored once, by one of the processes.

        If memory runs out, passes are smaller from there to the end of this evaluation, on this process.
        """
        if any(module.training for module in self.model.modules()):  # `eval` visits every module: slow for short texts.
            self.model.eval()
        items = features.items
        mine = sorted(own_share(range(len(items)), self.accelerator), key=lambda index: items[index].length)
        places, found = iter(mine), []
        # Autocast around all passes, so that weights are cast once rather than in each.
        with self._micro_batch_size_kept(), self.accelerator.autocast():
            groups = self.passes([items[index] for index in mine])
            for group, counts in in_step(groups, items[:1], is_sharded=self.is_sharded):
                read = self._evaluated(group)
                found += [(next(places), loss, result) for loss, result in read] if counts else []
        everything = sorted(gather_object(found), key=lambda row: row[0])
        loss = sum(row[1] for row in everything) / len(everything)
        return loss, self.objective.outputs([row[2] for row in everything], features, examples)

    @contextmanager
    def _micro_batch_size_kept(self) -> Iterator[None]:
        """Restore it afterwards: processes that train with different ones may end up waiting for each other."""
        before = self.micro_batch_size
        try:
            yield
        finally:
            self.micro_batch_size = before

    def _evaluated(self, items: Sequence[Item]) -> list[tuple[float, Any]]:
        """Return loss and result of each item, in smaller passes if memory runs out."""
        while True:
            try:
                return [row for group in self.passes(items) for row in self._evaluated_at_once(group)]
            except RuntimeError as error:
                smallest = self.micro_batch_size == 1 or self.is_sharded
                if not should_reduce_batch_size(error) or smallest:
                    raise
                self.micro_batch_size //= 2

    def _evaluated_at_once(self, items: Sequence[Item]) -> list[tuple[float, Any]]:
        batch = self.collator(items)
        scores = self._scores(batch)
        losses = self.objective.plain_losses(scores, batch, self.collator).tolist()
        return list(zip(losses, self.objective.results(scores, batch, self.collator), strict=True))

    def _scores(self, batch: Batch) -> Tensor:
        """The objective's scores of a batch."""
        return self.objective.scores(self.scoring.logits(batch.inputs, self.micro_batch_size), batch)
