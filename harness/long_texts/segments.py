"""Segments: texts of any length, read segment by segment, each with a memory of those before.

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

from harness.long_texts.memory import first_memory, read_segment
from harness.ops.device import all_to_device, generators, restore_generators, to_device
from harness.tokenization.items import Item


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
class SegmentReader:
    """Reads texts segment by segment.

    Attributes:
        model: A transformers model with a memory.
        accelerator: Devices and precision.
        segment: Tokens in a segment.
        memory: Most states of each layer that a segment sees of those before it; 0: none.
        gradient_segments: Segments that a gradient flows back through, counted from a text's end.
    """

    model: Any
    accelerator: Accelerator
    segment: int
    memory: int
    gradient_segments: int

    @property
    def attended(self) -> int:
        """Most tokens that a token attends to."""
        return self.segment + self.memory

    def size(self, item: Item) -> int:
        """How many segments the item has, in all of its texts."""
        return sum(math.ceil(max(len(window.input_ids), 1) / self.segment) for window in item.windows)

    def side_by_side(self, inputs: Mapping[str, Tensor]) -> tuple[Texts, Tensor]:
        """Padded texts, the longest first, and where each one stands there [texts]."""
        lengths = inputs["attention_mask"].sum(dim=1).clamp(min=1)  # a text of no token has a segment of padding
        order = lengths.argsort(descending=True, stable=True)
        device = self.accelerator.device
        ordered = all_to_device({name: rows[order] for name, rows in inputs.items()}, device)
        return Texts(ordered, lengths[order].tolist(), self.segment), to_device(order.argsort(), device)

    def fits(self, texts: Texts, limit: int) -> bool:
        """Whether the graphs of all segments may be in memory together."""
        return sum(texts.segments) <= limit or not torch.is_grad_enabled()

    def parts(self, texts: Texts, reduce: Reduce, limit: int) -> Sequence[Tensor]:
        """What `reduce` keeps of each segment; where they don't fit into one pass, their graphs are made again."""
        if self.fits(texts, limit):
            return list(self.read(texts, reduce))
        assert len(texts.lengths) == 1, "a text of more segments than a pass holds stands alone"
        anchor = torch.ones((), requires_grad=True)
        parts: tuple[Tensor, ...] = _Replayed.apply(anchor, self, texts, reduce)
        return parts

    def read(self, texts: Texts, reduce: Reduce) -> Iterator[Tensor]:
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
        return torch.where(to_device(torch.tensor(stops), states.device)[:, None], states.detach(), states)

    def stops_before(self, left: int) -> bool:
        """Whether the gradient stops before the segment from which `left` are to come, itself included."""
        return left % self.gradient_segments == 0


class _Replayed(torch.autograd.Function):
    """Reads a text without a graph, and again in the backward pass, so that memory holds few segments at a time."""

    @staticmethod
    def forward(ctx: Any, _anchor: Tensor, reader: SegmentReader, texts: Texts, reduce: Reduce) -> Any:
        ctx.again = (reader, texts, reduce)
        ctx.drawn = generators(reader.accelerator.device)
        return tuple(reader.read(texts, reduce))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        reader, texts, reduce = ctx.again
        now = generators(reader.accelerator.device)
        restore_generators(ctx.drawn)
        with torch.enable_grad():
            parts: list[Tensor] = []
            for step, part in enumerate(reader.read(texts, reduce), start=1):
                parts.append(part)
                left = texts.segments[0] - step
                if reader.stops_before(left):
                    torch.autograd.backward(parts, gradients[step - len(parts) : step])
                    parts = []
        restore_generators(now)
        return None, None, None, None
