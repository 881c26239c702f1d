"""A model with its head and tokenizer, as a family loads it and as training and scoring take it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from harness.models.checkpoint import Checkpoint
from harness.models.language_head import Language
from harness.models.packing import Packing
from harness.tokenization.pair_layout import APART, PairLayout

PooledHead = Callable[[Any, Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Loaded:
    """A model that is ready for fine-tuning.

    Attributes:
        model: A transformers model with its head.
        tokenizer: Its tokenizer.
        limit: Most tokens that the model reads at once; None: any number.
        labels: The data's label names in the order of the model's outputs.
        checkpoint: The weights' origin; None for a model made from nothing.
        notes: What a reader of the record should know, such as which tensors are new.
        pooled_head: The family's.
        packing: The family's.
        language: The family's.
        unpadded: Whether its outputs depend on padding, so that it must be given none.
        layout: How a source and its target lie before it, where it writes.
    """

    model: Any
    tokenizer: Any
    limit: int | None
    labels: tuple[str, ...]
    checkpoint: Checkpoint | None
    notes: tuple[str, ...]
    pooled_head: PooledHead | None = None
    packing: Packing | None = None
    language: Language | None = None
    unpadded: bool = False
    layout: PairLayout = APART

    @property
    def causal(self) -> bool:
        """Whether the model reads from left to right: its family's language models do, or its attention says so."""
        if self.language is not None:
            return self.language.causal
        return any(getattr(module, "is_causal", False) for module in self.model.modules())

    @property
    def pad_id(self) -> int:
        """The padding token's id."""
        return int(self.tokenizer.pad_token_id)

    @property
    def uses_token_type_ids(self) -> bool:
        """Whether the tokenizer gives token_type_ids, and the model tells the two texts of a pair apart by them."""
        given = "token_type_ids" in self.tokenizer.model_input_names and not self.layout.is_one_text
        takes = "token_type_ids" in inspect.signature(self.model.forward).parameters
        return given and takes and getattr(self.model.config, "type_vocab_size", 2) > 1
