"""Forward: a model that scores items, on one process or several."""

from __future__ import annotations

from collections.abc import Sequence
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
from harness.training.sharding import Shards, in_step


@dataclass
class Forward:
    """A model with what it takes to score items.

    Attributes:
        model: A transformers model, on the accelerator's device.
        scoring: Reads long texts with it.
        objective: The task type's.
        collator: Makes batches.
        accelerator: Devices, precision, processes.
        micro_batch_size: Most windows in one forward pass.
        recurrent_state: Empty: no step of fine-tuning needs anything of the one before.
        shards: That the model is cut among the processes; None: each has it whole.
    """

    model: Any
    scoring: Scoring
    objective: Objective
    collator: Collator
    accelerator: Accelerator
    micro_batch_size: int
    recurrent_state: dict[str, Tensor] = field(default_factory=dict)
    shards: Shards | None = None

    def losses(self, items: Sequence[Item]) -> Tensor:
        """One loss per item [items], with its graph where gradients are on."""
        batch = self.collator(items)
        return self.objective.losses(self._scores(batch), batch, self.collator)

    def scores(self, items: Sequence[Item]) -> Tensor:
        """What losses and results are made from [items, ...], with its graph where gradients are on."""
        return self._scores(self.collator(items))

    def weight(self, items: Sequence[Item]) -> float:
        """What the sum of a step's losses is divided by."""
        return self.objective.weight(items)

    def passes(self, items: Sequence[Item]) -> list[list[Item]]:
        """The items in groups that are scored together."""
        return passes(items, self.micro_batch_size, self.scoring.size)

    @torch.no_grad()
    def evaluate(self, features: Features, examples: Sequence[Any]) -> tuple[float, Any]:
        """The mean plain loss and the objective's outputs, each item read once whatever the number of processes."""
        if any(module.training for module in self.model.modules()):  # `eval` sets it in each: slow for one short text.
            self.model.eval()
        items = features.items
        mine = sorted(self.share(range(len(items))), key=lambda index: items[index].length)
        places, found = iter(mine), []
        with self.accelerator.autocast():  # Around all passes, so that the weights are cast once, not in each.
            for group, counts in in_step(self.shards, self.passes([items[index] for index in mine]), items[:1]):
                read = self._evaluated(group)
                found += [(next(places), loss, result) for loss, result in read] if counts else []
        everything = sorted(gather_object(found), key=lambda row: row[0])
        loss = sum(row[1] for row in everything) / len(everything)
        return loss, self.objective.outputs([row[2] for row in everything], features, examples)

    def share(self, items: Sequence[Any]) -> Sequence[Any]:
        """What of a batch, or of a split, is this process's."""
        return items[self.accelerator.process_index :: self.accelerator.num_processes]

    def _evaluated(self, items: Sequence[Item]) -> list[tuple[float, Any]]:
        """Loss and result of each item; where memory runs out, in smaller passes."""
        while True:
            try:
                batch = self.collator(items)
                scores = self._scores(batch)
                losses = self.objective.plain_losses(scores, batch, self.collator).tolist()
                return list(zip(losses, self.objective.results(scores, batch, self.collator), strict=True))
            except RuntimeError as error:
                smallest = self.micro_batch_size == 1 or self.shards is not None
                if not should_reduce_batch_size(error) or smallest:
                    raise
                self.micro_batch_size //= 2

    def _scores(self, batch: Batch) -> Tensor:
        """The objective's scores of a batch."""
        return self.objective.scores(self.scoring.logits(batch.inputs, self.micro_batch_size), batch)
