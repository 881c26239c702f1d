"""Written: a model reads a text and writes another one; what the right one costs it, and what it writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from accelerate import Accelerator
from torch import Tensor

from harness.long_texts.windows import in_parts
from harness.ops.device import all_to_device
from harness.tokenization.items import NO_TARGET, Item


@dataclass(frozen=True)
class Writer(ABC):
    """Scores the texts that a model is to write, and has it write its own.

    Attributes:
        model: A transformers model that writes.
        accelerator: Devices and precision.
        generation: What `generate` is called with; empty: nothing is written.
    """

    model: Any
    accelerator: Accelerator
    generation: Mapping[str, Any]

    attended = None

    def size(self, item: Item) -> int:
        """One: a source is read at once."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """What the right texts cost, and in evaluation what the model writes; see `Scoring`.

        Returns:
            By token of the labels [rows, 4, length]: see `token_costs`. Then the written tokens [rows, any length].
        """
        costs = in_parts(self.costs, inputs, limit, self.accelerator.device)
        if self.model.training or not self.generation:
            return costs
        sources = {name: rows for name, rows in inputs.items() if name != "labels"}
        with self.accelerator.autocast():
            return (*costs, self.text(sources))

    @abstractmethod
    def costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """`token_costs` of the inputs' labels, alone in a tuple; the inputs are on the host."""

    @abstractmethod
    def text(self, sources: Mapping[str, Tensor]) -> Tensor:
        """The tokens that the model writes, and no other before them [rows, any length], from sources on the host."""

    def silent(self) -> Self:
        """The same that scores right texts, and writes none."""
        return replace(self, generation={})

    def notes(self) -> list[str]:
        """What a reader of the record should know of how sources are read."""
        return []

    def why_padded(self, reason: str | None) -> str | None:
        """Why sources and targets are padded; None: they are not.

        Args:
            reason: Why the family reads no texts laid end to end; None: it does.
        """
        return reason or "this family does not write from texts laid end to end"


@dataclass(frozen=True)
class Written(Writer):
    """An encoder–decoder's: the encoder reads the source, and the decoder writes."""

    def costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """See `Writer`."""
        read = all_to_device(inputs, self.accelerator.device)
        labels = read.pop("labels")
        before = self.model.prepare_decoder_input_ids_from_labels(labels)
        with self.accelerator.autocast():
            logits = self.model(**read, decoder_input_ids=before, use_cache=False).logits
        return (token_costs(logits, labels),)

    def text(self, sources: Mapping[str, Tensor]) -> Tensor:
        """See `Writer`; without the token that the decoder begins with."""
        written: Tensor = self.model.generate(**all_to_device(sources, self.accelerator.device), **self.generation)
        return written[:, 1:]


def token_costs(logits: Tensor, labels: Tensor) -> Tensor:
    """What each token of the labels costs, 0 where there is none.

    Args:
        logits: Of the token at each place of the labels [rows, length, vocabulary].
        labels: The right tokens [rows, length], `NO_TARGET` where there is none.

    Returns:
        [rows, 4, length]: its nats; the mean nats of all words in its place, which label smoothing asks for; 1 where it
        is the most probable one; 1 where there is a token.
    """
    logits = logits.float()
    of_all = logits.logsumexp(-1)  # Not log_softmax, which fills one more table of all words, and two in the backward.
    own = of_all - logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    right = logits.detach().argmax(-1) == labels
    costs = torch.stack([own, of_all - logits.mean(-1), right.float(), torch.ones_like(own)], 1)
    return costs.masked_fill((labels == NO_TARGET)[:, None], 0.0)
