"""Head: what a task type asks of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Head:
    """What goes on top of the encoder.

    Attributes:
        auto_class: Name of the transformers Auto class, such as "AutoModelForSequenceClassification"; None: that of the
            family's language models, whose own head it is.
        settings: What the model's configuration says of the head, such as num_labels and id2label.
        outputs: The names of the tensors that it returns, such as ("logits",).
        pointer: Whether the answer is pointed at from the text's last state, for a model that reads segment by segment.
        per_token: Whether its outputs are of each token [texts, length, ...], not of a text as a whole.
        paired: Whether all that it reads are pairs of texts, such as a question and its context.
        instead: The Auto class of an architecture that `auto_class` has no model of. Where it is named, `auto_class`
            reads texts side by side [rows, choices, length], of which it is given one a row (`choice_head.py`).
        generation: How a model that writes a text is to write it, as transformers' `generate` calls it; None: the model
            writes none.
        otherwise: What to take where an architecture has no such head, as a sentence; empty: transformers tells.
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
