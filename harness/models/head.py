"""Head: the head that a task type needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Head:
    """The head that a task type needs on top of the encoder.

    Attributes:
        auto_class: The name of a transformers Auto class, such as "AutoModelForSequenceClassification"; None for the
            head of the family's language model.
        settings: Values of the model's configuration, such as num_labels and id2label.
        outputs: Names of the output tensors, such as ("logits",).
        pointer: Whether answers are pointed at from the last state of the text, for models that read segment by
            segment.
        per_token: Whether there is an output per token [texts, length, ...] rather than per text.
        paired: Whether all inputs are pairs of texts, such as a question and its context.
        instead: The Auto class to use if the architecture lacks `auto_class`. If set, `auto_class` reads several texts
            per row [rows, choices, length], and is given one (`choice_head.py`).
        generation: Arguments of transformers' `generate`; None if the model does not generate text.
        otherwise: Advice, as a sentence, if the architecture has no such head. If empty, the error of transformers is
            shown.
    """

    auto_class: str | None
    settings: Mapping[str, Any]
    outputs: tuple[str, ...]
    pointer: bool = False
    per_token: bool = False
    paired: bool = False
    instead: str | None = None
    generation: Mapping[str, Any] | None = None
    otherwise: str = ""
