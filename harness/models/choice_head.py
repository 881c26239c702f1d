"""Score multiple choice with one choice per row.

Stock models for multiple choice read [questions, choices, length] and flatten the first two dimensions, so that each
choice is scored alone. Here each row is the only choice of its question: questions may then differ in their number of
choices, and all code for rows, packed or padded, works for choices. Inputs with three dimensions are handled by the
stock model.

Architectures without such a model get a text classifier with one output, which differs only in its pooling. Either way
checkpoints are stock checkpoints.
"""

from __future__ import annotations

from typing import Any

import transformers
from torch import Tensor, nn

from harness.models.head import Head

# Position ids are unchanged: all stock models accept them as rows, and DistilBERT's accepts nothing else.
BY_TOKEN = ("input_ids", "attention_mask", "token_type_ids")
NOTE = "this architecture has no stock model for multiple choice: a classifier of texts with one output scores choices"


def class_with(head: Head, config: Any) -> Any:
    """Return the transformers Auto class for the head."""
    assert head.auto_class is not None
    name = head.auto_class if head.instead is None or reads_side_by_side(head, config) else head.instead
    return getattr(transformers, name)


def reads_side_by_side(head: Head, config: Any) -> bool:
    """Whether the model with this head reads several texts per row."""
    return head.instead is not None and type(config) in getattr(transformers, str(head.auto_class))._model_mapping


def read_rows(model: Any, head: Head) -> None:
    """Make a model that reads several texts per row accept rows [rows, length] of one text each."""
    if isinstance(model, nn.Module) and reads_side_by_side(head, model.config):
        model.register_forward_pre_hook(_one_choice_each, with_kwargs=True)


def choice_notes(head: Head, config: Any) -> list[str]:
    """Return remarks for the record on the class used."""
    return [NOTE] if head.instead is not None and not reads_side_by_side(head, config) else []


def _one_choice_each(
    _model: nn.Module, arguments: tuple[Any, ...], inputs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Convert token-level inputs [rows, length] to one choice per row [rows, 1, length]."""
    by_token = {name: inputs[name] for name in BY_TOKEN if isinstance(inputs.get(name), Tensor)}
    return arguments, inputs | {name: value[:, None] for name, value in by_token.items() if value.dim() == 2}
