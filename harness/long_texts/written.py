"""Written: a model reads a source and generates a target. Scores given targets, and generates its own."""

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
    """Scores given targets and generates the model's own.

    Attributes:
        model: A transformers model that generates text.
        accelerator: Devices and precision.
        generation: Arguments of `generate`; if empty, nothing is generated.
    """

    model: Any
    accelerator: Accelerator
    generation: Mapping[str, Any]

    attended = None

    def size(self, item: Item) -> int:
        """Return the number of windows: one, as a source is read at once."""
        return len(item.windows)

    def logits(self, inputs: Mapping[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return the costs of the targets and, in evaluation, the generated texts; see `Scoring`.

        Returns:
            Costs by token of the labels [rows, 4, length], see `token_costs`, and generated tokens [rows, any length].
        """
        costs = in_parts(self.costs, inputs, limit, self.accelerator.device)
        if self.model.training or not self.generation:
            return costs
        sources = {name: rows for name, rows in inputs.items() if name != "labels"}
        with self.accelerator.autocast():
            return (*costs, self.text(sources))

    @abstractmethod
    def costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return `token_costs` of the labels in a tuple, given inputs on the host."""

    @abstractmethod
    def text(self, sources: Mapping[str, Tensor]) -> Tensor:
        """Generate tokens [rows, any length], without any others before them, from sources on the host."""

    def silent(self) -> Self:
        """Return a copy that only scores given targets."""
        return replace(self, generation={})

    def notes(self) -> list[str]:
        """Return remarks for the record on how sources are read."""
        return []

    def why_padded(self, reason: str | None) -> str | None:
        """Return why sources and targets are padded, or None if they are not.

        Args:
            reason: Why the family cannot read concatenated texts; None if it can.
        """
        return reason or "this family does not write from texts laid end to end"


@dataclass(frozen=True)
class Written(Writer):
    """An encoder-decoder: the encoder reads the source, and the decoder generates the target."""

    def costs(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """See `Writer`."""
        read = all_to_device(inputs, self.accelerator.device)
        labels = read.pop("labels")
        before = self.model.prepare_decoder_input_ids_from_labels(labels)
        with self.accelerator.autocast():
            logits = self.model(**read, decoder_input_ids=before, use_cache=False).logits
        return (token_costs(logits, labels),)

    def text(self, sources: Mapping[str, Tensor]) -> Tensor:
        """See `Writer`; the result excludes the decoder's start token."""
        written: Tensor = self.model.generate(**all_to_device(sources, self.accelerator.device), **self.generation)
        return written[:, 1:]


def token_costs(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the costs of each token of the labels; 0 where there is none.

    Args:
        logits: Logits at each position of the labels [rows, length, vocabulary].
        labels: The tokens of the target [rows, length], `NO_TARGET` where there is none.

    Returns:
        [rows, 4, length]: the token's nats; the mean nats of all words in its place, for label smoothing; 1 if it is
        the most probable one; 1 if there is a token.
    """
    logits = logits.float()
    of_all = logits.logsumexp(-1)  # log_softmax would need one more table of all words, and two in the backward pass.
    own = of_all - logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    right = logits.detach().argmax(-1) == labels
    costs = torch.stack([own, of_all - logits.mean(-1), right.float(), torch.ones_like(own)], 1)
    return costs.masked_fill((labels == NO_TARGET)[:, None], 0.0)
