"""The score that `harness explain` explains: one number from a model's scores of an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from harness.errors import UserError, nearest
from harness.tokenization.items import Collator, Item


@dataclass(frozen=True)
class ExplainedScore:
    """A score of an example, as a function of the model's scores of one of its items.

    Attributes:
        item: The item: a text, or the window that contains an answer.
        name: What is scored, such as a label; empty for a number.
        of: Computes the score [], with its graph, from the item's scores as the objective returns them.
        shown: Computes the value on a deletion curve: a probability, or the number.
    """

    item: Item
    name: str
    of: Callable[[Tensor], Tensor]
    shown: Callable[[Tensor], float]


@dataclass(frozen=True)
class Asked:
    """What to explain, and the means to do so.

    Attributes:
        scores: Computes the model's scores of an item, without a graph.
        collator: Makes batches.
        calibration: The run's calibration.
        label: The label to explain; None for the predicted one.
        settings: Further options, from the task type's `explain_settings`.
    """

    scores: Callable[[Item], Tensor]
    collator: Collator
    calibration: Mapping[str, float] = field(default_factory=dict)
    label: str | None = None
    settings: Any = None


def place_of(label: str | None, labels: Sequence[str], predicted: int) -> int:
    """Return the index of the requested label, or of the predicted one if none is requested.

    Raises:
        UserError: If the model has no such label.
    """
    if label is None:
        return predicted
    if label not in labels:
        raise UserError(f"--label {label}: no label of this run.{nearest(label, labels)}")
    return list(labels).index(label)
