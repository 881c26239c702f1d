"""Models that score choices side by side, read one choice at a time.

Stock models for multiple choice read [questions, choices, length] and flatten the first two, so that each choice is
scored alone. So is each row here, as the only choice of its question: questions may then have differing numbers of
choices, and all that reads rows, packed or padded, reads choices. A model that is given all three dimensions is the
stock one.

An architecture that has no such model gets a classifier of texts with one output, which is the same on top of another
pooling. A checkpoint of it is a stock one.
"""

from __future__ import annotations

from typing import Any

import transformers
from torch import Tensor, nn

from harness.models.head import Head

# Position ids stay as they are: all stock models take them as rows, and DistilBERT's takes them in no other way.
BY_TOKEN = ("input_ids", "attention_mask", "token_type_ids")
NOTE = "this architecture has no stock model for multiple choice: a classifier of texts with one output scores choices"


def class_with(head: Head, config: Any) -> Any:
    """The transformers Auto class of models with the head.

    Args:
        head: With an `auto_class`.
        config: The model's configuration.
    """
    assert head.auto_class is not None
    name = head.auto_class if head.instead is None or reads_side_by_side(head, config) else head.instead
    return getattr(transformers, name)


def reads_side_by_side(head: Head, config: Any) -> bool:
    """Whether the configuration's model with the head reads texts side by side."""
    return head.instead is not None and type(config) in getattr(transformers, str(head.auto_class))._model_mapping


def read_rows(model: Any, head: Head) -> None:
    """Have a model that reads texts side by side take rows [rows, length], each as one text by itself."""
    if isinstance(model, nn.Module) and reads_side_by_side(head, model.config):
        model.register_forward_pre_hook(_one_choice_each, with_kwargs=True)


def choice_notes(head: Head, config: Any) -> list[str]:
    """What a reader of the record should know of the class that was chosen."""
    return [NOTE] if head.instead is not None and not reads_side_by_side(head, config) else []


def _one_choice_each(
    _model: nn.Module, arguments: tuple[Any, ...], inputs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return arguments, {name: _as_choice(name, value) for name, value in inputs.items()}


def _as_choice(name: str, value: Any) -> Any:
    """An input by token, if it is of rows [rows, length], as of one choice a row [rows, 1, length]."""
    return value[:, None] if name in BY_TOKEN and isinstance(value, Tensor) and value.dim() == 2 else value
