"""Items and batches: what one training step is made of."""

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
"""Where labels have no token, as everywhere in transformers."""


@dataclass(frozen=True, slots=True)
class Item:
    """What has one loss: a text with all of its windows, or one window of a question's context.

    Attributes:
        example: The example's index in its split.
        windows: What the model reads.
        target: What it should say, in the task type's own form.
    """

    example: int
    windows: tuple[Window, ...]
    target: Any

    @property
    def length(self) -> int:
        """Tokens in the item's longest window, those that are written from it among them."""
        return max(len(window.input_ids) + len(window.target_ids) for window in self.windows)


@dataclass(frozen=True)
class Features:
    """A split, ready for a model.

    Attributes:
        items: In the order of the examples.
        lengths: Tokens of each example, special tokens left out.
        seen: How many of them the model reads, in all.
        answerable: How many examples have an answer to be found in their text.
        unreachable: How many of these have none that can be given as it is, by cause.
    """

    items: Sequence[Item]
    lengths: Sequence[int]
    seen: int
    answerable: int = 0
    unreachable: Mapping[str, int] = field(default_factory=dict)

    @property
    def unreachable_answers(self) -> float | None:
        """Their share; None: no example has an answer to be found."""
        return sum(self.unreachable.values()) / self.answerable if self.answerable else None


@dataclass(frozen=True)
class Batch:
    """Items, padded to their longest window.

    Attributes:
        items: The items.
        inputs: input_ids, attention_mask, perhaps token_type_ids [windows, length]; in language modelling
            `scored_tokens`, 1 for the tokens that are predicted; in sequence to sequence `labels` [windows, target
            length], -100 behind their end.
        counts: How many windows each item has [items].
    """

    items: Sequence[Item]
    inputs: dict[str, Tensor]
    counts: Tensor


@dataclass(frozen=True)
class Collator:
    """Pads windows to one length, as the tokenizer and the model want it.

    Attributes:
        pad_id: The padding token.
        left: Whether padding goes before the text, as XLNet's pooling of the last token asks.
        uses_token_type_ids: Whether the model takes token_type_ids.
        device: Where the model is. What it reads stays on the host until it is read (`Batch.inputs`).
    """

    pad_id: int
    left: bool
    uses_token_type_ids: bool
    device: torch.device

    def __call__(self, items: Sequence[Item]) -> Batch:
        """The items as one batch."""
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
        """How many padding tokens stand before the text in one of the batch's windows."""
        mask = batch.inputs["attention_mask"][window]
        return int(len(mask) - mask.sum()) if self.left else 0

    def _padded(self, rows: Sequence[Sequence[int]], value: int) -> Tensor:
        longest = max(len(row) for row in rows)
        padded = np.full((len(rows), longest), value, dtype=np.int64)  # A small tensor a row takes ten times as long.
        for target, row in zip(padded, rows, strict=True):
            start = longest - len(row) if self.left else 0
            target[start : start + len(row)] = row
        return torch.from_numpy(padded)


def _marked(window: Window) -> list[int]:
    """1 for each of the window's tokens that is to be predicted, else 0."""
    chosen = set(window.scored_tokens)
    return [int(place in chosen) for place in range(len(window.input_ids))]


def length_grouped_batches(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """The batches of one epoch: shuffled, then sorted by length inside spans of fifty batches.

    A pure function of its arguments, so that a resumed run finds its place again.

    Args:
        lengths: Tokens of each item.
        batch_size: Items a batch; the last one of a span may be smaller, and none is dropped.
        seed: The run's seed.
        epoch: Counted from 0.

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
    """The items in groups of at most `micro_batch_size` windows or segments; an item of more stands alone.

    Args:
        items: The items.
        micro_batch_size: Most in a group.
        size: How many an item has.
    """
    groups: list[list[Item]] = []
    room = 0
    for item in items:
        room -= size(item)
        if room < 0 or not groups:
            groups.append([])
            room = micro_batch_size - size(item)
        groups[-1].append(item)
    return groups
