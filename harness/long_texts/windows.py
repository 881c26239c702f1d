"""Windows: each one is read alone, and a task type pools what was found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.tokenization.items import Item


@dataclass(frozen=True)
class Windows:
    """Reads windows of texts, each without knowing of the others.

    Attributes:
        model: A transformers model with its head.
        outputs: The names of the tensors that its head returns.
        accelerator: Devices and precision.
    """

    model: Any
    outputs: tuple[str, ...]
    accelerator: Accelerator

    attended = None

    def size(self, item: Item) -> int:
        """How many windows the item has."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """What the head says of each window [windows, ...]; see `Scoring`."""
        return in_parts(self._logits, inputs, limit)

    def _logits(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        with self.accelerator.autocast():
            output = self.model(**inputs)
        return tuple(output[name] for name in self.outputs)


def in_parts(
    read: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]], inputs: Mapping[str, Tensor], limit: int
) -> tuple[Tensor, ...]:
    """What `read` makes of inputs [rows, ...], at most `limit` rows at a time.

    Where there are more, the backward pass computes each part again, so that memory holds the graph of one.
    """
    count = len(next(iter(inputs.values())))
    if count <= limit:
        return read(inputs)
    parts = []
    for start in range(0, count, limit):
        part = {name: rows[start : start + limit] for name, rows in inputs.items()}
        parts.append(checkpoint(read, part, use_reentrant=False))
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))
