"""Class weights, from the settings and the number of examples of each label."""

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
    """Check that all labels in `class_weights` exist.

    Raises:
        UserError: If some do not, a line each.
    """
    given = settings.class_weights if isinstance(settings.class_weights, Mapping) else {}
    unknown = [name for name in given if name not in labels]
    if unknown:
        raise UserError(*(f"class_weights: {name!r}: no such label.{nearest(name, labels)}" for name in unknown))


def label_weights(settings: LabelLoss, labels: Sequence[str], counts: Counts) -> Weights | None:
    """Return the weights of the labels [labels], or of each label's no and yes [labels, 2]; None if all are equal.

    Args:
        settings: The label settings of a recipe.
        labels: The label names.
        counts: Number of training examples with each label [labels], or without and with each label [labels, 2].
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
    """Return the label weights for a linear model, as its `learn` takes them; None if all are equal.

    Raises:
        UserError: If the recipe weights labels that do not exist.
    """
    if task.counts is None:
        return None
    check_labels_weighed(settings, labels)
    return label_weights(settings, labels, task.counts(examples, len(labels)))


def weights_note(labels: Sequence[str], weights: Weights | None) -> list[str]:
    """Describe the weights, for the record."""
    if weights is None:
        return []
    shown = weights if weights.ndim == 1 else weights[:, 1] / weights[:, 0]
    said = [f"{name} {weight:.3g}" for name, weight in zip(labels, shown, strict=True)]
    more = [f"and {len(said) - MOST_NAMED} more"] if len(said) > MOST_NAMED else []
    what = "class weights" if weights.ndim == 1 else "class weights, of a label's yes against its no"
    return [f"{what}: {', '.join([*said[:MOST_NAMED], *more])}"]


def balanced(sizes: Weights) -> Weights:
    """Return weights that give all labels that occur the same total, with a mean of 1 per example.

    >>> balanced(np.array([3.0, 1.0, 0.0]))
    array([0.66666667, 2.        , 1.        ])

    Args:
        sizes: The amount of each label [labels], or without and with each label [labels, 2].
    """
    occurring = sizes > 0
    kinds = occurring.sum(-1, keepdims=True)
    total = sizes.sum(-1, keepdims=True)
    return np.where(occurring, total / (np.maximum(kinds, 1) * np.where(occurring, sizes, 1.0)), 1.0)


def effective_numbers(counts: Counts, beta: float) -> Weights:
    """Compute the effective number of examples: (1 - beta^n) / (1 - beta) (Cui et al. 2019, equation 2)."""
    return np.asarray(-np.expm1(counts * np.log(beta)) / (1 - beta) if beta else np.minimum(counts, 1), dtype=float)


def label_counts(targets: Sequence[int] | Counts, labels: int) -> Counts:
    """Count each label [labels] in the label indices."""
    return np.bincount(np.asarray(targets, dtype=np.int64), minlength=labels)


def indicators(targets: Sequence[Sequence[int]], labels: int) -> NDArray[np.bool_]:
    """Return whether each example has each label [examples, labels], from each example's label indices."""
    found = np.zeros((len(targets), labels), dtype=bool)
    for row, target in zip(found, targets, strict=True):
        row[list(target)] = True
    return found


def yes_counts(targets: Sequence[Sequence[int]], labels: int) -> Counts:
    """Count the examples without and with each label [labels, 2], from each example's label indices."""
    yes = indicators(targets, labels).sum(axis=0)
    return np.stack([len(targets) - yes, yes], 1)
