"""Losses of labels that weigh more or less, are smoothed, or count for less where they are predicted well already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.errors import UserError, nearest
from harness.ops.device import to_device
from harness.task_types.label_loss import EFFECTIVE, LabelLoss

Weights = NDArray[np.float64]
Counts = NDArray[np.int64]
MOST_NAMED = 12


@dataclass(frozen=True)
class LossOfLabels:
    """How a recipe has labels learnt.

    Attributes:
        settings: What it says.
        labels: Names in the order of the model's outputs.
        weights: Of each label [labels], or of each label's no and yes [labels, 2]; None: they all count alike.
    """

    settings: LabelLoss
    labels: tuple[str, ...]
    weights: Weights | None = field(default=None, compare=False)

    @property
    def is_plain(self) -> bool:
        """Whether it is the mean cross-entropy."""
        return self.settings.is_plain

    @classmethod
    def of(cls, training: Training, labels: tuple[str, ...]) -> Self:
        """That of a recipe.

        Raises:
            UserError: It weighs labels that there are not.
        """
        settings = LabelLoss(**{name: getattr(training, name) for name in LabelLoss.model_fields})
        given = settings.class_weights if isinstance(settings.class_weights, Mapping) else {}
        unknown = [name for name in given if name not in labels]
        if unknown:
            raise UserError(*(f"class_weights: {name!r}: no such label.{nearest(name, labels)}" for name in unknown))
        return cls(settings, labels)

    def weighing(self, counts: Counts) -> Self:
        """The same with the weights that training examples give.

        Args:
            counts: How many there are of each label [labels], or without and with each label [labels, 2].
        """
        asked = self.settings.class_weights
        if asked is None:
            return self
        if isinstance(asked, Mapping):
            given = np.array([asked.get(name, 1.0) for name in self.labels])
            weights = given if counts.ndim == 1 else np.stack([np.ones(len(given)), given], 1)
        else:
            sizes = effective_numbers(counts, self.settings.class_weight_beta) if asked == EFFECTIVE else counts
            weights = balanced(np.asarray(sizes, dtype=np.float64))
        return replace(self, weights=weights)

    def cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Losses [n], each with its label's weight, from logits [n, labels] and label indices [n]."""
        smoothing, gamma = self.settings.label_smoothing, self.settings.focal_gamma
        losses = functional.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
        losses = _focal(losses, gamma) if gamma else losses
        return losses if self.weights is None else losses * self._tensor(logits)[targets]

    def binary_cross_entropy(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Losses [n, labels], each with the weight of its no or yes, from logits and from 0 or 1 [n, labels]."""
        smoothing, gamma = self.settings.label_smoothing, self.settings.focal_gamma
        asked = wanted * (1 - smoothing) + smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, asked, reduction="none")
        losses = _focal(losses, gamma) if gamma else losses
        if self.weights is None:
            return losses
        no, yes = self._tensor(logits).unbind(1)
        return losses * torch.where(wanted > 0, yes, no)

    def note(self) -> list[str]:
        """What a reader of the record should know of the weights."""
        if self.weights is None:
            return []
        shown = self.weights if self.weights.ndim == 1 else self.weights[:, 1] / self.weights[:, 0]
        said = [f"{name} {weight:.3g}" for name, weight in zip(self.labels, shown, strict=True)]
        more = [f"and {len(said) - MOST_NAMED} more"] if len(said) > MOST_NAMED else []
        what = "class weights" if self.weights.ndim == 1 else "class weights, of a label's yes against its no"
        return [f"{what}: {', '.join([*said[:MOST_NAMED], *more])}"]

    def _tensor(self, like: Tensor) -> Tensor:
        return to_device(torch.tensor(self.weights, dtype=like.dtype), like.device)


def _focal(losses: Tensor, gamma: float) -> Tensor:
    """Cross-entropies times (1 - p)^gamma, p being what was given to the right answer (Lin et al. 2017, equation 4)."""
    # The root of nothing has no slope: what is predicted all too well is left a trace.
    return losses * (-torch.expm1(-losses)).clamp(min=1e-12).pow(gamma)


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


def label_counts(targets: Sequence[int], labels: int) -> Counts:
    """How many of the label indices there are of each label [labels]."""
    return np.bincount(np.asarray(targets, dtype=np.int64), minlength=labels)


def yes_counts(targets: Sequence[Sequence[int]], labels: int) -> Counts:
    """How many examples there are without and with each label [labels, 2], from each example's label indices."""
    yes = label_counts([index for target in targets for index in set(target)], labels)
    return np.stack([len(targets) - yes, yes], 1)
