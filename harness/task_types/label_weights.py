"""How much the examples of each label count, by a recipe and by how many of them there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError, nearest
from harness.task_types.label_loss import EFFECTIVE, LabelLoss
from harness.task_types.linear import LinearTask

Weights = NDArray[np.float64]
Counts = NDArray[np.int64]
MOST_NAMED = 12


def check_labels_weighed(settings: LabelLoss, labels: Sequence[str]) -> None:
    """Refuse weights of labels that there are not.

    Raises:
        UserError: There are some, a line each.
    """
    given = settings.class_weights if isinstance(settings.class_weights, Mapping) else {}
    unknown = [name for name in given if name not in labels]
    if unknown:
        raise UserError(*(f"class_weights: {name!r}: no such label.{nearest(name, labels)}" for name in unknown))


def label_weights(settings: LabelLoss, labels: Sequence[str], counts: Counts) -> Weights | None:
    """The weight of each label [labels], or of each label's no and yes [labels, 2]; None: they all count alike.

    Args:
        settings: What a recipe says.
        labels: Their names.
        counts: How many training examples there are of each label [labels], or without and with each label [labels, 2].
    """
    asked = settings.class_weights
    if asked is None:
        return None
    if isinstance(asked, Mapping):
        given = np.array([asked.get(name, 1.0) for name in labels])
        return given if counts.ndim == 1 else np.stack([np.ones(len(given)), given], 1)
    sizes = effective_numbers(counts, settings.class_weight_beta) if asked == EFFECTIVE else counts
    return balanced(np.asarray(sizes, dtype=np.float64))


def weights_for(
    task: LinearTask, settings: LabelLoss, examples: Sequence[Any], labels: tuple[str, ...]
) -> Weights | None:
    """What an example of each label counts to a linear model, as its `learn` takes it; None: they all count alike.

    Raises:
        UserError: The recipe weighs labels that there are not.
    """
    if task.counts is None:
        return None
    check_labels_weighed(settings, labels)
    return label_weights(settings, labels, task.counts(examples, len(labels)))


def weights_note(labels: Sequence[str], weights: Weights | None) -> list[str]:
    """What a reader of the record should know of the weights."""
    if weights is None:
        return []
    shown = weights if weights.ndim == 1 else weights[:, 1] / weights[:, 0]
    said = [f"{name} {weight:.3g}" for name, weight in zip(labels, shown, strict=True)]
    more = [f"and {len(said) - MOST_NAMED} more"] if len(said) > MOST_NAMED else []
    what = "class weights" if weights.ndim == 1 else "class weights, of a label's yes against its no"
    return [f"{what}: {', '.join([*said[:MOST_NAMED], *more])}"]


def balanced(sizes: Weights) -> Weights:
    """Weights by which all labels that occur count alike, and an example counts 1 on average.

    >>> balanced(np.array([3.0, 1.0, 0.0]))
    array([0.66666667, 2.        , 1.        ])

    Args:
        sizes: How much there is of each label [labels], or without and with each label [labels, 2].
    """
    occurring = sizes > 0
    kinds = occurring.sum(-1, keepdims=True)
    total = sizes.sum(-1, keepdims=True)
    return np.where(occurring, total / (np.maximum(kinds, 1) * np.where(occurring, sizes, 1.0)), 1.0)


def effective_numbers(counts: Counts, beta: float) -> Weights:
    """How many examples of a label tell something new: (1 - beta^n) / (1 - beta) (Cui et al. 2019, equation 2)."""
    return np.asarray(-np.expm1(counts * np.log(beta)) / (1 - beta) if beta else np.minimum(counts, 1), dtype=float)


def label_counts(targets: Sequence[int] | Counts, labels: int) -> Counts:
    """How many of the label indices there are of each label [labels]."""
    return np.bincount(np.asarray(targets, dtype=np.int64), minlength=labels)


def yes_counts(targets: Sequence[Sequence[int]], labels: int) -> Counts:
    """How many examples there are without and with each label [labels, 2], from each example's label indices."""
    yes = label_counts([index for target in targets for index in set(target)], labels)
    return np.stack([len(targets) - yes, yes], 1)
