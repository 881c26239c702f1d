"""Recurrence: a text of any length, read segment by segment, each with a memory of those before.

Source: Dai et al. 2019, section 3.2, here as a way to read long documents. Nothing but the last segment of a text is
ever padded, and a text that is read to its end drops out of the batch: so no memory ever holds padding, and a text's
result does not depend on the others beside it. A gradient flows through as much of the memory as is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import functional

from harness.data.items import Item
from harness.engine.device import generators, restore_generators
from harness.engine.memory import first_memory, read_segment


@dataclass(frozen=True)
class Texts:
    """Texts side by side, the longest first, padded on the right.

    Attributes:
        inputs: input_ids, attention_mask, perhaps token_type_ids [texts, length].
        lengths: Tokens of each text, falling.
        segment: Tokens in a segment.
    """

    inputs: Mapping[str, Tensor]
    lengths: Sequence[int]
    segment: int

    @cached_property
    def segments(self) -> list[int]:
        """How many segments each text has."""
        return [math.ceil(length / self.segment) for length in self.lengths]

    def at(self, step: int) -> dict[str, Tensor]:
        """The segment of each text that is not at its end yet; the attention mask only where something is padded."""
        start = step * self.segment
        stop = min(start + self.segment, self.lengths[0])
        reading = sum(length > start for length in self.lengths)
        inputs = {name: rows[:reading, start:stop] for name, rows in self.inputs.items()}
        if self.lengths[reading - 1] >= stop:
            del inputs["attention_mask"]
        return inputs


Reduce = Callable[[int, Tensor], Tensor]  # a segment's number and its states [texts, length, width] to what is kept


@dataclass(frozen=True)
class Recurrence:
    """Reads texts segment by segment.

    Attributes:
        model: A transformers model with a memory, and its head.
        head: Scores states: of each text's pooled one [texts, width] its label, or where `pointer` is set, from all
            states [texts, length, width] and each text's last one, where the answer starts and ends.
        pointer: Whether all states are wanted.
        accelerator: Devices and precision.
        segment: Tokens in a segment.
        memory: Most states of each layer that a segment sees of those before it; 0: none.
        gradient_segments: Segments that a gradient flows back through, counted from a text's end.
        pool: "mean" of a text's states, its "last" state, or the mean of its segments' last ones, "segment_ends".
    """

    model: Any
    head: Callable[..., tuple[Tensor, ...]]
    pointer: bool
    accelerator: Accelerator
    segment: int
    memory: int
    gradient_segments: int
    pool: str

    @property
    def attended(self) -> int:
        """Most tokens that a token attends to."""
        return self.segment + self.memory

    def size(self, item: Item) -> int:
        """How many segments the item has."""
        return math.ceil(max(item.length, 1) / self.segment)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """What the head says of each text [texts, ...]; see `Scoring`."""
        lengths = inputs["attention_mask"].sum(dim=1).clamp(min=1)  # a text of no token has a segment of padding
        order = lengths.argsort(descending=True, stable=True)
        texts = Texts({name: rows[order] for name, rows in inputs.items()}, lengths[order].tolist(), self.segment)
        found = self._pointed(texts, limit) if self.pointer else self._labelled(texts, limit)
        back = order.argsort()
        return tuple(tensor[back] for tensor in found)

    def _labelled(self, texts: Texts, limit: int) -> tuple[Tensor, ...]:
        weights = pool_weights(texts, self.pool).to(texts.inputs["input_ids"].device)

        def weighted(step: int, states: Tensor) -> Tensor:
            start = step * self.segment
            return torch.einsum("bn,bnw->bw", weights[: len(states), start : start + states.shape[1]], states)

        parts = self._parts(texts, weighted, limit)
        pooled = sum(functional.pad(part, (0, 0, 0, len(texts.lengths) - len(part))) for part in parts)
        with self.accelerator.autocast():
            return self.head(pooled)

    def _pointed(self, texts: Texts, limit: int) -> tuple[Tensor, ...]:
        parts = self._parts(texts, lambda _, states: states, limit)
        count = len(texts.lengths)
        states = torch.cat([functional.pad(part, (0, 0, 0, 0, 0, count - len(part))) for part in parts], dim=1)
        last = torch.tensor(texts.lengths, device=states.device) - 1
        with self.accelerator.autocast():
            return self.head(states, states[torch.arange(count, device=states.device), last])

    def _parts(self, texts: Texts, reduce: Reduce, limit: int) -> Sequence[Tensor]:
        """What `reduce` keeps of each segment; where they don't fit into one pass, their graphs are made again."""
        if sum(texts.segments) <= limit or not torch.is_grad_enabled():
            return list(self._read(texts, reduce))
        assert len(texts.lengths) == 1, "a text of more segments than a pass holds stands alone"
        anchor = torch.ones((), requires_grad=True)
        parts: tuple[Tensor, ...] = _Replayed.apply(anchor, self, texts, reduce)
        return parts

    def _read(self, texts: Texts, reduce: Reduce) -> Iterator[Tensor]:
        """What is kept of each segment, one after the other."""
        memory = first_memory(self.model, len(texts.lengths), self.memory)
        for step in range(texts.segments[0]):
            inputs = texts.at(step)
            memory = [self._detached(states[:, : len(inputs["input_ids"])], texts, step) for states in memory]
            with self.accelerator.autocast():
                states, memory = read_segment(self.model, inputs, memory, longest=self.memory)
            yield reduce(step, states.float())

    def _detached(self, states: Tensor, texts: Texts, step: int) -> Tensor:
        """A layer's memory, without its graph for the texts in which the gradient stops before this segment."""
        if not states.requires_grad:
            return states
        stops = [self.stops_before(count - step) for count in texts.segments[: states.shape[1]]]
        if all(stops):
            return states.detach()
        return torch.where(torch.tensor(stops, device=states.device)[:, None], states.detach(), states)

    def stops_before(self, left: int) -> bool:
        """Whether the gradient stops before the segment from which `left` are to come, itself included."""
        return left % self.gradient_segments == 0


class _Replayed(torch.autograd.Function):
    """Reads a text without a graph, and again in the backward pass, so that memory holds few segments at a time."""

    @staticmethod
    def forward(ctx: Any, _anchor: Tensor, recurrence: Recurrence, texts: Texts, reduce: Reduce) -> Any:
        ctx.again = (recurrence, texts, reduce)
        ctx.drawn = generators(recurrence.accelerator.device)
        return tuple(recurrence._read(texts, reduce))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        recurrence, texts, reduce = ctx.again
        now = generators(recurrence.accelerator.device)
        restore_generators(ctx.drawn)
        with torch.enable_grad():
            parts: list[Tensor] = []
            for step, part in enumerate(recurrence._read(texts, reduce), start=1):
                parts.append(part)
                left = texts.segments[0] - step
                if recurrence.stops_before(left):
                    torch.autograd.backward(parts, gradients[step - len(parts) : step])
                    parts = []
        restore_generators(now)
        return None, None, None, None


def pool_weights(texts: Texts, pool: str) -> Tensor:
    """How much of a text's pooled state each of its states makes [texts, length]; 0 on padding.

    Args:
        texts: The texts.
        pool: "mean", "last" or "segment_ends".
    """
    weights = torch.zeros(len(texts.lengths), texts.lengths[0])
    for row, (length, segments) in enumerate(zip(texts.lengths, texts.segments, strict=True)):
        if pool == "mean":
            weights[row, :length] = 1 / length
        elif pool == "last":
            weights[row, length - 1] = 1
        else:
            ends = [*range(texts.segment - 1, length - 1, texts.segment), length - 1]
            assert len(ends) == segments
            weights[row, ends] = 1 / segments
    return weights
