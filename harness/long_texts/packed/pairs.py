"""Packed pairs: concatenated sources, and the concatenated targets generated from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from harness.long_texts.packed.boundaries import PairBoundaries, SequenceBoundaries
from harness.long_texts.packed.scoring import packed_attention_in, unpacked
from harness.long_texts.packed.sizes import filled, filled_boundaries
from harness.long_texts.written import Written, token_costs
from harness.models.packing import Packing, configs_of
from harness.ops.device import to_device
from harness.tokenization.items import NO_TARGET


@dataclass(frozen=True)
class PackedWritten(Written):
    """Scores targets as `Written` does, with the same result, but without padding; generation is the same.

    Attributes:
        packing: The packing of the family, with `pairs`.
    """

    packing: Packing

    def why_padded(self, reason: str | None) -> None:
        """See `Writer`."""

    def costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """See `Writer`."""
        labels, sources = inputs["labels"], inputs["attention_mask"].bool()  # On the host until they are packed.
        written = labels != NO_TARGET
        sources[:, 0] = written[:, 0] = True  # An empty text is read as one padding token.
        boundaries = PairBoundaries(*(filled_boundaries(kept, self.accelerator) for kept in (sources, written)))
        assert self.packing.pairs is not None
        before = self.model.prepare_decoder_input_ids_from_labels(labels)
        with self.accelerator.autocast(), packed_attention_in(*configs_of(self.model)):
            memory = self._memory(inputs["input_ids"], sources, boundaries.sources)
            read = {"input_ids": before, "position_ids": self.packing.positions(self.model.get_decoder(), before)}
            laid = {f"decoder_{name}": filled(rows[written], boundaries.written) for name, rows in read.items()}
            logits = self.packing.pairs(self.model, memory, laid, boundaries)
        targets = to_device(labels[written][None], self.accelerator.device)
        costs = token_costs(logits[:, : targets.shape[1]], targets)
        return (unpacked(costs.transpose(1, 2), written).transpose(1, 2),)

    def _memory(self, tokens: Tensor, kept: Tensor, boundaries: SequenceBoundaries) -> Tensor:
        """Return the encoder's states of concatenated sources [1, total, width]."""
        encoder = self.model.get_encoder()
        read = {"input_ids": tokens, "position_ids": self.packing.positions(encoder, tokens)}
        laid = {name: filled(rows[kept], boundaries) for name, rows in read.items()}
        states: Tensor = encoder(**laid, boundaries=boundaries)[0]
        return states
