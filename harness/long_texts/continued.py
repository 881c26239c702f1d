"""Continued: a language model reads a source and generates the target after it, in one text.

Sources are padded on the left, so that targets follow them directly. Positions are counted from a source's first token,
so that a text gets the same outputs as alone. A model with a memory may read long sources in segments (Dai et al. 2019,
section 3.2): all but the last go into the memory, and the last one is read with the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.long_texts.memory import first_memory, read_segment
from harness.long_texts.written import Writer, token_costs
from harness.models.padding import position_ids
from harness.ops.device import all_to_device, to_device
from harness.tokenization.items import NO_TARGET, Item

Inputs = Mapping[str, Tensor]
USUAL = {"use_cache": False}
"""Options for scoring, which needs no cache."""


@dataclass(frozen=True)
class Continued(Writer):
    """A language model that generates text: source, separator, target and end are one text.

    Attributes:
        pad: The id of the padding token.
        unpadded: Whether to read only sources of equal length together.
    """

    pad: int
    unpadded: bool = False

    def costs(self, inputs: Inputs) -> tuple[Tensor, ...]:
        """See `Writer`."""
        return (self._in_groups(self._costs, inputs),)

    def text(self, sources: Inputs) -> Tensor:
        """See `Writer`; the result excludes the source."""
        return self._in_groups(self._text, sources)

    def grouped_by(self, lengths: Tensor) -> Tensor:
        """Return a group number per source [rows]. Sources of one group are read together.

        Args:
            lengths: Number of tokens of each source [rows].
        """
        return lengths if self.unpadded else torch.zeros_like(lengths)

    def read(self, sources: Inputs) -> tuple[Inputs, Mapping[str, Any]]:
        """Return the part of a group's sources that is still to be read, on the device, and inputs for the rest."""
        return all_to_device(sources, self.accelerator.device), {}

    def notes(self) -> list[str]:
        """See `Writer`."""
        return ["source, separator, target and end are one text of a language model, and the target alone is learnt"]

    def why_padded(self, reason: str | None) -> str | None:
        """See `Writer`; sources of equal length need no padding."""
        if self.unpadded:
            return None
        return "a language model that continues its source does not read texts laid end to end"

    def _in_groups(self, found: Callable[[Inputs], Tensor], inputs: Inputs) -> Tensor:
        """Apply a function to the rows group by group [rows, ..., length]; shorter results are padded at the end."""
        groups = self.grouped_by(inputs["attention_mask"].sum(1))
        rows = [(groups == group).nonzero().flatten() for group in groups.unique()]
        parts = [found(_trimmed({name: tensor[which] for name, tensor in inputs.items()})) for which in rows]
        return _joined(parts, self.pad)[torch.cat(rows).argsort()]

    def _costs(self, inputs: Inputs) -> Tensor:
        labels = to_device(inputs["labels"], self.accelerator.device)
        sources, known = self.read({name: tensor for name, tensor in inputs.items() if name != "labels"})
        before = labels[:, :-1]
        ids = torch.cat([sources["input_ids"], before.masked_fill(before == NO_TARGET, self.pad)], 1)
        mask = torch.cat([sources["attention_mask"], (before != NO_TARGET).long()], 1)
        options = {**known, **self._options(labels.shape[1]), **position_ids(self.model, mask)}
        with self.accelerator.autocast():
            logits = self.model(input_ids=ids, attention_mask=mask, **options).logits
        return token_costs(logits[:, -labels.shape[1] :], labels)

    def _options(self, places: int) -> dict[str, Any]:
        """Return options that save work, if the model accepts them: no cache, and only the last `places` scores."""
        takes = signature(self.model.forward).parameters
        wanted = {**USUAL, "logits_to_keep": places}
        return {name: value for name, value in wanted.items() if name in takes}

    def _text(self, sources: Inputs) -> Tensor:
        left, known = self.read(sources)
        written: Tensor = self.model.generate(**left, **known, **self.generation)
        return written[:, left["input_ids"].shape[1] :]


@dataclass(frozen=True)
class ContinuedFromMemory(Continued):
    """A language model with a memory, which reads all but the last segment of a source into it.

    Sources with the same number of segments are read together, so that memories never contain padding.

    Attributes:
        segment: Number of tokens in a segment; the last one of a source may be shorter.
        memory: Maximum number of states per layer that a segment or the target sees of previous segments.
        gradient_segments: Number of segments of a source, from the last one, that the target's gradient flows through.
    """

    segment: int = 0
    memory: int = 0
    gradient_segments: int = 1

    def size(self, item: Item) -> int:
        """Return the number of segments of the item that have a graph."""
        if not torch.is_grad_enabled():
            return 1
        return max(min(-(-len(window.input_ids) // self.segment), self.gradient_segments) for window in item.windows)

    def grouped_by(self, lengths: Tensor) -> Tensor:
        """Return the number of segments of each source that go into the memory; see `Continued`."""
        return (lengths - 1).clamp(min=0) // self.segment

    def read(self, sources: Inputs) -> tuple[Inputs, Mapping[str, Any]]:
        """Return the last segment, and the memory of the previous ones; see `Continued`."""
        ids, lengths = sources["input_ids"], sources["attention_mask"].sum(1)
        whole = int(self.grouped_by(lengths[:1]))
        memory = first_memory(self.model, len(ids), self.memory)
        first = (ids.shape[1] - lengths)[:, None]
        for step in range(whole):
            places = first + torch.arange(step * self.segment, (step + 1) * self.segment)
            memory = self._remembered(ids.gather(1, places), memory, to_come=whole - step)
        left = int(lengths.max()) - whole * self.segment
        mask = sources["attention_mask"][:, -left:].clone()
        mask[torch.arange(left) < left - (lengths[:, None] - whole * self.segment)] = 0
        last = {"input_ids": ids[:, -left:], "attention_mask": mask}
        return all_to_device(last, self.accelerator.device), {"mems": tuple(memory)}

    def _remembered(self, ids: Tensor, memory: Sequence[Tensor], *, to_come: int) -> list[Tensor]:
        """Return the memory after a segment, with its graph if the gradient reaches it."""
        learnt = torch.is_grad_enabled() and to_come < self.gradient_segments
        inputs = all_to_device({"input_ids": ids}, self.accelerator.device)
        with torch.set_grad_enabled(learnt), self.accelerator.autocast():
            return read_segment(self.model, inputs, list(memory), longest=self.memory)[1]

    def why_padded(self, reason: str | None) -> None:
        """See `Writer`; memories never contain padding."""

    def notes(self) -> list[str]:
        """See `Writer`."""
        return [
            *super().notes(),
            f"a source is read in segments of {self.segment} tokens, each with a memory of {self.memory} states; the "
            "target sees the last segment whole, and as many states of those before it",
        ]


def _trimmed(inputs: Inputs) -> Inputs:
    """Remove columns before the longest source, which are padding in all rows."""
    longest = max(int(inputs["attention_mask"].sum(1).max()), 1)
    return {name: rows if name == "labels" else rows[:, -longest:] for name, rows in inputs.items()}


def _joined(parts: Sequence[Tensor], pad: int) -> Tensor:
    """Concatenate parts, extended to the longest: costs by zeros, tokens by padding."""
    longest = max(part.shape[-1] for part in parts)
    value = 0 if parts[0].is_floating_point() else pad
    return torch.cat([functional.pad(part, (0, longest - part.shape[-1]), value=value) for part in parts])
