"""What `harness explain` tells of: one number among what a model says of an example."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from harness.errors import UserError, nearest
from harness.tokenization.items import Collator, Item


@dataclass(frozen=True)
class ExplainedScore:
    """One score of an example, as a function of the model's scores of one of its items.

    Attributes:
        item: The item: a text, or the window in which an answer lies.
        name: What the score is of, such as a label; empty of a number.
        of: The score [], with its graph, from the item's scores as the objective gives them.
        shown: What a deletion curve shows of them: a probability, or the number.
    """

    item: Item
    name: str
    of: Callable[[Tensor], Tensor]
    shown: Callable[[Tensor], float]


@dataclass(frozen=True)
class Asked:
    """What is asked for, and with what it is found.

    Attributes:
        scores: The model's scores of an item, without a graph.
        collator: Makes batches.
        calibration: The run's.
        label: The label to tell of; None: the predicted one.
        settings: What else is asked for, by the task type's `explain_settings`.
    """

    scores: Callable[[Item], Tensor]
    collator: Collator
    calibration: Mapping[str, float] = field(default_factory=dict)
    label: str | None = None
    settings: Any = None


def place_of(label: str | None, labels: Sequence[str], predicted: int) -> int:
    """The index of the label that is asked for; of none the predicted one.

    Raises:
        UserError: The model has no such label.
    """
    if label is None:
        return predicted
    if label not in labels:
        raise UserError(f"--label {label}: no label of this run.{nearest(label, labels)}")
    return list(labels).index(label)
