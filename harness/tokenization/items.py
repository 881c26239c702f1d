"""Items and batches, the inputs of a training step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.ops.device import to_device
from harness.tokenization.reading import Window

NO_TARGET = -100
"""The label of positions without a target, as in transformers."""


@dataclass(frozen=True, slots=True)
class Item:
    """The unit of the loss: a text with all of its windows, or one window of a question's context.

    Attributes:
        example: The example's index in its split.
        windows: The windows to read.
        target: The target in the task type's own format.
    """

    example: int
    windows: tuple[Window, ...]
    target: Any

    @property
    def length(self) -> int:
        """Number of tokens in the item's longest window, including those of its target."""
        return max(len(window.input_ids) + len(window.target_ids) for window in self.windows)


@dataclass(frozen=True)
class Features:
    """An encoded split.

    Attributes:
        items: The items, in the order of the examples.
        lengths: Number of tokens of each example, without special tokens.
        seen: Total number of these tokens that the model reads.
        answerable: Number of examples whose answer is in their text.
        unreachable: Number of these whose answer cannot be predicted exactly, by cause.
    """

    items: Sequence[Item]
    lengths: Sequence[int]
    seen: int
    answerable: int = 0
    unreachable: Mapping[str, int] = field(default_factory=dict)

    @property
    def unreachable_answers(self) -> float | None:
        """The share of unreachable answers, or None if no example has an answer in its text."""
        return sum(self.unreachable.values()) / self.answerable if self.answerable else None


@dataclass(frozen=True)
class Batch:
    """Items, padded to their longest window.

    Attributes:
        items: The items.
        inputs: input_ids, attention_mask and, for some models, token_type_ids [windows, length]; in language modelling
            `scored_tokens`, 1 for the tokens to predict; in sequence to sequence `labels` [windows, target length],
            padded with -100.
        counts: Number of windows of each item [items].
    """

    items: Sequence[Item]
    inputs: dict[str, Tensor]
    counts: Tensor


@dataclass(frozen=True)
class Collator:
    """Pads windows to equal length.

    Attributes:
        pad_id: The id of the padding token.
        left: Whether to pad on the left, as for XLNet, which pools the last token.
        uses_token_type_ids: Whether the model uses token_type_ids.
        device: The device of the model. `Batch.inputs` stay on the host until they are read.
    """

    pad_id: int
    left: bool
    uses_token_type_ids: bool
    device: torch.device

    def __call__(self, items: Sequence[Item]) -> Batch:
        """Collate the items into a batch."""
        windows = [window for item in items for window in item.windows]
        rows = [window.input_ids for window in windows]
        inputs = {"input_ids": self._padded(rows, self.pad_id)}
        inputs["attention_mask"] = self._padded([[1] * len(row) for row in rows], 0)
        if self.uses_token_type_ids:
            inputs["token_type_ids"] = self._padded([window.token_type_ids for window in windows], 0)
        if any(window.scored_tokens for window in windows):
            inputs["scored_tokens"] = self._padded([_marked(window) for window in windows], 0)
        if any(window.target_ids for window in windows):
            targets = [window.target_ids for window in windows]
            inputs["labels"] = replace(self, left=False)._padded(targets, NO_TARGET)
        counts = torch.tensor([len(item.windows) for item in items])
        return Batch(items, inputs, to_device(counts, self.device))

    def shift(self, batch: Batch, window: int) -> int:
        """Return the number of padding tokens before the text in a window of the batch."""
        mask = batch.inputs["attention_mask"][window]
        return int(len(mask) - mask.sum()) if self.left else 0

    def _padded(self, rows: Sequence[Sequence[int]], value: int) -> Tensor:
        longest = max(len(row) for row in rows)
        padded = np.full((len(rows), longest), value, dtype=np.int64)  # One tensor per row is ten times as slow.
        for target, row in zip(padded, rows, strict=True):
            start = longest - len(row) if self.left else 0
            target[start : start + len(row)] = row
        return torch.from_numpy(padded)


def _marked(window: Window) -> list[int]:
    """Return 1 for each token of the window that is to be predicted, else 0."""
    chosen = set(window.scored_tokens)
    return [int(place in chosen) for place in range(len(window.input_ids))]


def length_grouped_batches(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Return the batches of one epoch: shuffled, then sorted by length within spans of fifty batches.

    A pure function of its arguments, so that a resumed run gets the same batches.

    Args:
        lengths: Number of tokens of each item.
        batch_size: Number of items in a batch; the last one of a span may be smaller, and none is dropped.
        seed: The run's seed.
        epoch: The epoch, counted from 0.

    Returns:
        Batches of item indices, in random order.
    """
    generator = torch.Generator().manual_seed((seed << 20) + epoch)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    span = 50 * batch_size
    batches: list[list[int]] = []
    for start in range(0, len(order), span):
        ranked = sorted(order[start : start + span], key=lengths.__getitem__, reverse=True)
        batches += [ranked[first : first + batch_size] for first in range(0, len(ranked), batch_size)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]


def passes(items: Sequence[Item], micro_batch_size: int, size: Callable[[Item], int]) -> list[list[Item]]:
    """Group items into passes of at most `micro_batch_size` windows or segments; a larger item gets its own."""
    groups: list[list[Item]] = []
    room = 0
    for item in items:
        room -= size(item)
        if room < 0 or not groups:
            groups.append([])
            room = micro_batch_size - size(item)
        groups[-1].append(item)
    return groups
