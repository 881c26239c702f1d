"""Packed pairs: sources laid end to end, and what is written from each of them likewise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor

from harness.long_texts.packed.boundaries import PairBoundaries, SequenceBoundaries
from harness.long_texts.packed.scoring import packed_attention_in, unpacked
from harness.long_texts.written import Written, token_costs
from harness.models.packing import Packing, configs_of
from harness.ops.device import to_device
from harness.tokenization.items import NO_TARGET


@dataclass(frozen=True)
class PackedWritten(Written):
    """Scores right texts as `Written` does, with the same result, and computes nothing for padding; it writes alike.

    Attributes:
        packing: The family's, which knows of pairs.
    """

    packing: Packing

    def why_padded(self, reason: str | None) -> None:
        """See `Writer`."""

    def costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """See `Writer`."""
        device = self.accelerator.device
        labels, sources = inputs["labels"], inputs["attention_mask"].bool()  # On the host, until they are packed.
        written = labels != NO_TARGET
        sources[:, 0] = written[:, 0] = True  # A text of no token is read as one of padding.
        boundaries = PairBoundaries(*(SequenceBoundaries(kept.sum(1).tolist(), device) for kept in (sources, written)))
        assert self.packing.pairs is not None
        before = self.model.prepare_decoder_input_ids_from_labels(labels)
        with self.accelerator.autocast(), self._reading():
            memory = self._memory(inputs["input_ids"], sources, boundaries.sources)
            read = {"input_ids": before, "position_ids": self.packing.positions(self.model.get_decoder(), before)}
            laid = {f"decoder_{name}": to_device(rows[written][None], device) for name, rows in read.items()}
            logits = self.packing.pairs(self.model, memory, laid, boundaries)
        costs = token_costs(logits, to_device(labels[written][None], device))
        return (unpacked(costs.transpose(1, 2), written).transpose(1, 2),)

    def _memory(self, tokens: Tensor, kept: Tensor, boundaries: SequenceBoundaries) -> Tensor:
        """What the encoder gives of sources laid end to end [1, total, width]."""
        encoder = self.model.get_encoder()
        read = {"input_ids": tokens, "position_ids": self.packing.positions(encoder, tokens)}
        laid = {name: to_device(rows[kept][None], self.accelerator.device) for name, rows in read.items()}
        states: Tensor = encoder(**laid, boundaries=boundaries)[0]
        return states

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """As `packed_attention_in`, for every configuration: encoder and decoder may have their own."""
        with ExitStack() as stack:
            for config in configs_of(self.model):
                stack.enter_context(packed_attention_in(config))
            yield
