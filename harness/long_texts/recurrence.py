"""Recurrence: outputs of a head for texts of any length, read segment by segment with a memory of previous ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from harness.long_texts.segments import SegmentReader, Texts
from harness.ops.device import to_device


@dataclass(frozen=True)
class Recurrence(SegmentReader):
    """Reads texts segment by segment, and applies a head.

    Attributes:
        head: Computes outputs from pooled states [texts, width]; with `pointer`, scores of the start and end of the
            answer from all states [texts, length, width] and the last one of each text.
        pointer: Whether the head needs all states.
        pool: "mean" of a text's states, its "last" state, or "segment_ends", the mean of its segments' last states.
    """

    head: Callable[..., tuple[Tensor, ...]]
    pointer: bool
    pool: str

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return the head's outputs for each text [texts, ...]; see `Scoring`."""
        texts, back = self.side_by_side(inputs)
        count = len(texts.lengths)
        if count > 1 and not self.fits(texts, limit):  # The texts of one item, each with a share of the limit.
            rows = [{name: part[place : place + 1] for name, part in inputs.items()} for place in range(count)]
            alone = [self.logits(row, limit // count) for row in rows]
            return tuple(torch.cat(tensors) for tensors in zip(*alone, strict=True))
        found = self._pointed(texts, limit) if self.pointer else self._labelled(texts, limit)
        return tuple(tensor[back] for tensor in found)

    def _labelled(self, texts: Texts, limit: int) -> tuple[Tensor, ...]:
        weights = to_device(pool_weights(texts, self.pool), texts.inputs["input_ids"].device)

        def weighted(step: int, states: Tensor) -> Tensor:
            start = step * self.segment
            return torch.einsum("bn,bnw->bw", weights[: len(states), start : start + states.shape[1]], states)

        parts = self.parts(texts, weighted, limit)
        pooled = sum(functional.pad(part, (0, 0, 0, len(texts.lengths) - len(part))) for part in parts)
        with self.accelerator.autocast():
            return self.head(pooled)

    def _pointed(self, texts: Texts, limit: int) -> tuple[Tensor, ...]:
        parts = self.parts(texts, lambda _, states: states, limit)
        count = len(texts.lengths)
        states = torch.cat([functional.pad(part, (0, 0, 0, 0, 0, count - len(part))) for part in parts], dim=1)
        last = to_device(torch.tensor(texts.lengths) - 1, states.device)
        with self.accelerator.autocast():
            return self.head(states, states[torch.arange(count, device=states.device), last])


def pool_weights(texts: Texts, pool: str) -> Tensor:
    """Return the weight of each state in a text's state pooled as in `Recurrence` [texts, length]; 0 on padding."""
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
