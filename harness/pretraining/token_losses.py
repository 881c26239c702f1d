"""Contracts of pretraining: the objective, and the model that predicts tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from accelerate import Accelerator

from harness.models.language_head import Language
from harness.models.packing import Packing
from harness.pretraining.tokens import TokenFile
from harness.tokenization.items import passes


@dataclass(frozen=True)
class InitialModel:
    """A language model before pretraining.

    Attributes:
        model: A transformers model, on the accelerator's device.
        language: Its language-model heads.
        packing: How it reads packed sequences; None if it can't.
        tokenizer: The tokenizer.
        accelerator: Manages devices, precision and processes.
        notes: Remarks for the record on its weights.
    """

    model: Any
    language: Language
    packing: Packing | None
    tokenizer: Any
    accelerator: Accelerator
    notes: tuple[str, ...] = ()


class TokenPredictor:
    """Base of trainable models: splits sequences into forward passes."""

    def __init__(self, start: InitialModel, micro_batch_size: int) -> None:
        """Args: the model, and the maximum number of sequences per forward pass."""
        self.model, self.language, self.accelerator = start.model, start.language, start.accelerator
        self.notes = start.notes
        self.micro_batch_size = micro_batch_size
        self.recurrent_state: dict[str, Any] = {}
        self.is_sharded = False

    def weight(self, items: Sequence[Any]) -> float:
        """Return the number of sequences: all have equal weight."""
        return len(items)

    def passes(self, items: Sequence[Any]) -> list[list[Any]]:
        """Group the sequences into forward passes."""
        return passes(items, self.micro_batch_size, lambda _: 1)


class Objective(Protocol):
    """A pretraining objective. A file in harness/pretraining/objectives makes one from corpus, tokenizer and plan."""

    def facts(self) -> dict[str, Any]:
        """Return facts for the record on the sequences made from the corpus.

        Raises:
            UserError: If nothing can be learnt from them.
        """

    def steps(self, start: int) -> Iterator[list[Any]]:
        """Yield the sequences of each optimiser step after the first `start`, without end."""

    def held_out(self, tokens: TokenFile) -> Sequence[Any]:
        """Return the items to evaluate on, made from held-out texts; the same each time."""

    def trainable(self, start: InitialModel) -> Any:
        """Wrap the model for a `Trainer`, with `evaluate(held_out) -> (nats, words)`.

        Raises:
            UserError: If the family does not support the objective.
        """
