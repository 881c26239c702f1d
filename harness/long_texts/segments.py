"""Read texts of any length segment by segment, each with a memory of the previous ones.

Source: Dai et al. 2019, section 3.2, used here to read long documents. Only the last segment of a text is ever padded,
and a text leaves the batch at its end: so memories never contain padding, and a text's result does not depend on others
in the batch. Gradients flow through as much of the memory as configured.
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
    """A batch of texts, longest first, padded on the right.

    Attributes:
        inputs: input_ids, attention_mask and, for some models, token_type_ids [texts, length].
        lengths: Number of tokens of each text, descending.
        segment: Number of tokens in a segment.
    """

    inputs: Mapping[str, Tensor]
    lengths: Sequence[int]
    segment: int

    @cached_property
    def segments(self) -> list[int]:
        """Number of segments of each text."""
        return [math.ceil(length / self.segment) for length in self.lengths]

    def at(self, step: int) -> dict[str, Tensor]:
        """Return one segment of each unfinished text, with an attention mask only if there is padding."""
        start = step * self.segment
        stop = min(start + self.segment, self.lengths[0])
        reading = sum(length > start for length in self.lengths)
        inputs = {name: rows[:reading, start:stop] for name, rows in self.inputs.items()}
        if self.lengths[reading - 1] >= stop:
            del inputs["attention_mask"]
        return inputs


Reduce = Callable[[int, Tensor], Tensor]  # From a segment's index and states [texts, length, width] to what is kept.


@dataclass(frozen=True)
class SegmentReader:
    """Reads texts segment by segment.

    Attributes:
        model: A transformers model with a memory.
        accelerator: Devices and precision.
        segment: Number of tokens in a segment.
        memory: Maximum number of states per layer that a segment sees of previous ones, or 0.
        gradient_segments: Number of segments in the groups within which gradients flow, counted from the end of a text.
    """

    model: Any
    accelerator: Accelerator
    segment: int
    memory: int
    gradient_segments: int

    @property
    def attended(self) -> int:
        """Maximum number of tokens that a token attends to."""
        return self.segment + self.memory

    def size(self, item: Item) -> int:
        """Return the number of segments of the item, in all of its texts."""
        return sum(math.ceil(max(len(window.input_ids), 1) / self.segment) for window in item.windows)

    def side_by_side(self, inputs: Mapping[str, Tensor]) -> tuple[Texts, Tensor]:
        """Sort padded texts by length, longest first, and return the position of each one [texts]."""
        lengths = inputs["attention_mask"].sum(dim=1).clamp(min=1)  # An empty text has a segment of padding.
        order = lengths.argsort(descending=True, stable=True)
        device = self.accelerator.device
        ordered = all_to_device({name: rows[order] for name, rows in inputs.items()}, device)
        return Texts(ordered, lengths[order].tolist(), self.segment), to_device(order.argsort(), device)

    def fits(self, texts: Texts, limit: int) -> bool:
        """Whether the graphs of all segments may be in memory at once."""
        return sum(texts.segments) <= limit or not torch.is_grad_enabled()

    def parts(self, texts: Texts, reduce: Reduce, limit: int) -> Sequence[Tensor]:
        """Return the reduced segments. If they do not fit into one pass, their graphs are recomputed."""
        if self.fits(texts, limit):
            return list(self.read(texts, reduce))
        assert len(texts.lengths) == 1, "a text of more segments than a pass holds stands alone"
        anchor = torch.ones((), requires_grad=True)
        parts: tuple[Tensor, ...] = _Replayed.apply(anchor, self, texts, reduce)
        return parts

    def read(self, texts: Texts, reduce: Reduce) -> Iterator[Tensor]:
        """Yield the reduced segments, one after the other."""
        memory = first_memory(self.model, len(texts.lengths), self.memory)
        for step in range(texts.segments[0]):
            inputs = texts.at(step)
            memory = [self._detached(states[:, : len(inputs["input_ids"])], texts, step) for states in memory]
            with self.accelerator.autocast():
                states, memory = read_segment(self.model, inputs, memory, longest=self.memory)
            yield reduce(step, states.float())

    def _detached(self, states: Tensor, texts: Texts, step: int) -> Tensor:
        """Detach a layer's memory for the texts whose gradient stops before this segment."""
        if not states.requires_grad:
            return states
        stops = [self.stops_before(count - step) for count in texts.segments[: states.shape[1]]]
        if all(stops):
            return states.detach()
        return torch.where(to_device(torch.tensor(stops), states.device)[:, None], states.detach(), states)

    def stops_before(self, left: int) -> bool:
        """Whether the gradient stops before a segment, given the number of remaining ones, including itself."""
        return left % self.gradient_segments == 0


class _Replayed(torch.autograd.Function):
    """Reads a text without a graph, and again in the backward pass, to keep few segments in memory at a time."""

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
                if not part.requires_grad:  # What reads it is frozen, and so it is with all that follow.
                    break
                parts.append(part)
                left = texts.segments[0] - step
                if reader.stops_before(left):
                    torch.autograd.backward(parts, gradients[step - len(parts) : step])
                    parts = []
        restore_generators(now)
        return None, None, None, None
