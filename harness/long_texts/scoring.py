"""Scoring: how a model reads texts longer than its input."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from accelerate import Accelerator
from torch import Tensor

from harness.config.training import Training
from harness.errors import UserError
from harness.long_texts.packed.scoring import Packed
from harness.long_texts.recurrence import Recurrence
from harness.long_texts.token_losses import token_losses_for
from harness.long_texts.windows import Unpadded, Windows
from harness.long_texts.writing import writer_for
from harness.long_texts.written import Writer
from harness.models.head import Head
from harness.models.loaded import Loaded
from harness.models.packing import why_not_packable
from harness.task_types.objective import Objective
from harness.tokenization.items import Item


class Scoring(Protocol):
    """How a model reads texts longer than its input."""

    @property
    def attended(self) -> int | None:
        """Maximum number of tokens that a token attends to; None for its whole window."""

    def size(self, item: Item) -> int:
        """Return the number of windows or segments of an item."""

    def logits(self, inputs: dict[str, Tensor], limit: int) -> tuple[Tensor, ...]:
        """Return the outputs of the model's head for padded inputs [rows, length].

        The graphs of at most `limit` windows or segments are kept in memory; if there are more, they are recomputed in
        the backward pass.
        """


def scoring_for(loaded: Loaded, objective: Objective, accelerator: Accelerator, training: Training) -> Scoring:
    """Create the scoring of a recipe.

    Raises:
        UserError: If the recipe's memory is longer than the model's, a language model cannot be trained this way, or
            the tokenizer of a model that generates text does not know its language.
    """
    head = objective.head()
    if head.generation is not None:
        return writer_for(loaded, accelerator, head.generation, training)
    if head.auto_class is None:
        return token_losses_for(loaded, accelerator, training)
    if not training.segmented:
        return _windows(loaded, head, accelerator, training)
    assert loaded.pooled_head is not None, "checked when the run was made"
    memory = training.memory_length
    longest = getattr(loaded.model.config, "mem_len", None)
    if longest is not None and memory > longest:
        raise UserError(
            f"memory: {memory}, but this model keeps at most {longest} states per layer. "
            "Lower it, or set mem_len in the model's [architecture]."
        )
    score = loaded.model.pointer if head.pointer else partial(loaded.pooled_head, loaded.model)
    return Recurrence(
        loaded.model,
        accelerator,
        segment=training.segment,
        memory=memory,
        gradient_segments=training.gradient_segments,
        head=score,
        pointer=head.pointer,
        pool=training.pool,
    )


def _windows(loaded: Loaded, head: Head, accelerator: Accelerator, training: Training) -> Windows:
    model, packing = loaded.model, loaded.packing
    if loaded.unpadded:
        return Unpadded(model, head.outputs, accelerator, head.per_token)
    if training.execution == "padded" or packing is None or why_not_packable(packing, model.config):
        return Windows(model, head.outputs, accelerator)
    return Packed(model, head.outputs, accelerator, packing, head.per_token)


def execution_notes(loaded: Loaded, scoring: Scoring, training: Training) -> list[str]:
    """Note how sources are read for generation, or why windows are padded although the recipe asks for packing."""
    reason = why_not_packable(loaded.packing, loaded.model.config)
    if isinstance(scoring, Writer):
        padded = None if training.execution == "padded" else scoring.why_padded(reason)
        return [*scoring.notes(), *([] if padded is None else [f"padded: {padded}"])]
    if training.execution == "padded" or isinstance(scoring, Packed | Unpadded) or not isinstance(scoring, Windows):
        return []
    return [f"padded: {reason}"]
