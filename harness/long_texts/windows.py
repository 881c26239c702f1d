"""Windows: each is read independently, and the task type pools their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from harness.ops.device import all_to_device
from harness.tokenization.items import Item


@dataclass(frozen=True)
class Windows:
    """Reads windows of texts independently.

    Attributes:
        model: A transformers model with its head.
        outputs: Names of the head's output tensors.
        accelerator: Devices and precision.
    """

    model: Any
    outputs: tuple[str, ...]
    accelerator: Accelerator

    attended = None

    def size(self, item: Item) -> int:
        """Return the number of windows of the item."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return the head's outputs for each window [windows, ...]; see `Scoring`."""
        return in_parts(self._logits, inputs, limit, self.accelerator.device)

    def _logits(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        with self.accelerator.autocast():
            output = self._read(all_to_device(inputs, self.accelerator.device))
        return tuple(output[name] for name in self.outputs)

    def _read(self, inputs: Mapping[str, Tensor]) -> Any:
        return self.model(**inputs)


@dataclass(frozen=True)
class Unpadded(Windows):
    """Reads windows of equal length together, for models whose outputs depend on padding (`harness/models/padding.py`).

    Attributes:
        per_token: Whether outputs are per token rather than per window.
    """

    per_token: bool

    def _logits(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return one_length_at_a_time(super()._logits, inputs, per_token=self.per_token)


def in_parts(
    read: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]],
    inputs: Mapping[str, Tensor],
    limit: int,
    device: torch.device,
) -> tuple[Tensor, ...]:
    """Apply `read` to inputs [rows, ...], at most `limit` rows at a time.

    If there are more, each part is recomputed in the backward pass, so that memory holds only one graph.

    Args:
        read: Computes outputs [some rows, ...] from inputs [some rows, ...].
        inputs: The inputs, on the host or on the device.
        limit: Maximum number of rows in a part.
        device: The device that `read` computes on.
    """
    count = len(next(iter(inputs.values())))
    if count <= limit:
        return read(inputs)
    parts = []
    # `checkpoint` saves only the generators of its arguments' devices, and the inputs may be on the host.
    on_device = torch.empty(0, device=device)
    for start in range(0, count, limit):
        part = {name: rows[start : start + limit] for name, rows in inputs.items()}
        parts.append(checkpoint(lambda part, _: read(part), part, on_device, use_reentrant=False))
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))


def one_length_at_a_time(
    read: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]], inputs: Mapping[str, Tensor], *, per_token: bool
) -> tuple[Tensor, ...]:
    """Apply `read` to rows of equal length at a time, without padding, and return outputs in the order of the rows.

    Args:
        read: Computes outputs [some rows, ...] from inputs [some rows, their length].
        inputs: input_ids, attention_mask and other inputs [rows, length].
        per_token: Whether outputs are per token [rows, length, ...]; they are then 0 on padding.
    """
    mask = inputs["attention_mask"].bool()
    lengths = mask.sum(dim=1)
    found: list[Tensor] = []
    for length in lengths.unique().tolist():
        rows = (lengths == length).nonzero().flatten()
        columns = mask[rows[0]].nonzero().flatten() if length else torch.zeros_like(rows[:1])
        parts = read({name: tensor[rows][:, columns] for name, tensor in inputs.items()})
        if not found:
            found = [_room_for(part, mask.shape, per_token=per_token) for part in parts]
        places = (rows[:, None], columns) if per_token else (rows,)
        found = [tensor.index_put(places, part) for tensor, part in zip(found, parts, strict=True)]
    return tuple(found)


def _room_for(part: Tensor, shape: torch.Size, *, per_token: bool) -> Tensor:
    """Return zeros for the outputs of all rows, given those of some."""
    return part.new_zeros(*shape, *part.shape[2:]) if per_token else part.new_zeros(shape[0], *part.shape[1:])
