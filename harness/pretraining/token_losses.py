"""Predicting: what the training loop asks of an objective and of a model under it."""

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
    """A language model at its beginning.

    Attributes:
        model: A transformers model, on the accelerator's device.
        language: How it predicts words.
        packing: How it reads texts laid end to end; None: it can't.
        tokenizer: Its tokenizer.
        accelerator: Devices, precision, processes.
        notes: What a reader of the record should know of its weights.
    """

    model: Any
    language: Language
    packing: Packing | None
    tokenizer: Any
    accelerator: Accelerator
    notes: tuple[str, ...] = ()


class TokenPredictor:
    """What the trainer asks of a model: which of a step's sequences are this process's, and which go together."""

    def __init__(self, start: InitialModel, micro_batch_size: int) -> None:
        """Args: the model, and most sequences in one forward pass."""
        self.model, self.language, self.accelerator = start.model, start.language, start.accelerator
        self.notes = start.notes
        self.micro_batch_size = micro_batch_size
        self.recurrent_state: dict[str, Any] = {}
        self.shards = None

    def weight(self, items: Sequence[Any]) -> float:
        """How many they are: each sequence counts as much as any other."""
        return len(items)

    def passes(self, items: Sequence[Any]) -> list[list[Any]]:
        """The sequences in groups that are read together."""
        return passes(items, self.micro_batch_size, lambda _: 1)

    def share(self, items: Sequence[Any]) -> Sequence[Any]:
        """What of a step is this process's."""
        return items[self.accelerator.process_index :: self.accelerator.num_processes]


class Objective(Protocol):
    """What is learnt from a corpus. A file of harness/pretraining/objectives makes one from corpus, tokenizer, plan."""

    def facts(self) -> dict[str, Any]:
        """What the record says of the sequences that the corpus makes.

        Raises:
            UserError: Nothing can be learnt from them.
        """

    def steps(self, start: int) -> Iterator[list[Any]]:
        """The sequences of each optimiser step after the first `start`, without end."""

    def held_out(self, tokens: TokenFile) -> Sequence[Any]:
        """What of other texts is scored, the same each time."""

    def trainable(self, start: InitialModel) -> Any:
        """The model, ready for a `Trainer` and for `evaluate(held out) -> (nats, words)`.

        Raises:
            UserError: The family has no such head.
        """
