"""Losses of labels with class weights, label smoothing or focal loss."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.ops.device import to_device
from harness.task_types.label_loss import LabelLoss
from harness.task_types.label_weights import Counts, Weights, check_labels_weighed, label_weights, weights_note


@dataclass(frozen=True)
class LossOfLabels:
    """The loss of labels in a recipe.

    Attributes:
        settings: The settings of the loss.
        labels: The label names in the order of the model's outputs.
        weights: The weight of each label [labels], or of each label's no and yes [labels, 2]; None if all are equal.
    """

    settings: LabelLoss
    labels: tuple[str, ...]
    weights: Weights | None = field(default=None, compare=False)

    @property
    def is_plain(self) -> bool:
        """Whether the loss is the mean cross-entropy."""
        return self.settings.is_plain

    @classmethod
    def of(cls, training: Training, labels: tuple[str, ...]) -> Self:
        """Return the loss of a recipe.

        Raises:
            UserError: If the recipe weights labels that do not exist.
        """
        settings = LabelLoss.of(training)
        check_labels_weighed(settings, labels)
        return cls(settings, labels)

    def weighing(self, counts: Counts) -> Self:
        """Return a copy with the weights for training examples.

        Args:
            counts: Number of examples with each label [labels], or without and with each label [labels, 2].
        """
        return replace(self, weights=label_weights(self.settings, self.labels, counts))

    def cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute losses [n], each with its label's weight, from logits [n, labels] and label indices [n]."""
        smoothing, gamma = self.settings.label_smoothing, self.settings.focal_gamma
        losses = functional.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
        losses = _focal(losses, gamma) if gamma else losses
        return losses if self.weights is None else losses * self._tensor(logits)[targets]

    def binary_cross_entropy(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Compute losses [n, labels], each with the weight of its no or yes, from logits and 0 or 1 [n, labels]."""
        smoothing, gamma = self.settings.label_smoothing, self.settings.focal_gamma
        asked = wanted * (1 - smoothing) + smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, asked, reduction="none")
        losses = _focal(losses, gamma) if gamma else losses
        if self.weights is None:
            return losses
        no, yes = self._tensor(logits).unbind(1)
        return losses * torch.where(wanted > 0, yes, no)

    def note(self) -> list[str]:
        """Describe the weights, for the record."""
        return weights_note(self.labels, self.weights)

    def _tensor(self, like: Tensor) -> Tensor:
        return to_device(torch.tensor(self.weights, dtype=like.dtype), like.device)


def _focal(losses: Tensor, gamma: float) -> Tensor:
    """Multiply cross-entropies by (1 - p)^gamma, p being the correct probability (Lin et al. 2017, equation 4)."""
    # The root of 0 has no finite derivative, so (1 - p) is at least 1e-12.
    return losses * (-torch.expm1(-losses)).clamp(min=1e-12).pow(gamma)
