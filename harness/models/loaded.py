"""A loaded model with its head and tokenizer."""

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
        tokenizer: The tokenizer.
        limit: Maximum number of input tokens; None if there is no limit.
        labels: Label names in the order of the model's outputs.
        checkpoint: The origin of the weights; None for a new model.
        notes: Remarks for the record, such as which tensors are new.
        pooled_head: As in `StockFamily`.
        packing: As in `StockFamily`.
        language: As in `StockFamily`.
        unpadded: Whether outputs depend on padding, so that there must be none.
        layout: How source and target are arranged in the input, if the model generates text.
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
        """Whether the model reads from left to right, according to its family or its attention modules."""
        if self.language is not None:
            return self.language.causal
        return any(getattr(module, "is_causal", False) for module in self.model.modules())

    @property
    def pad_id(self) -> int:
        """Id of the padding token."""
        return int(self.tokenizer.pad_token_id)

    @property
    def uses_token_type_ids(self) -> bool:
        """Whether the tokenizer returns token_type_ids and the model distinguishes the texts of a pair by them."""
        given = "token_type_ids" in self.tokenizer.model_input_names and not self.layout.is_one_text
        takes = "token_type_ids" in inspect.signature(self.model.forward).parameters
        return given and takes and getattr(self.model.config, "type_vocab_size", 2) > 1
