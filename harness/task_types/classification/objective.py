"""Training objective for one label per text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.ops.device import to_device
from harness.task_types.label_weights import label_counts
from harness.task_types.texts import Target
from harness.task_types.texts_objective import LabelObjective
from harness.task_types.weighted_losses import LossOfLabels


def objective(labels: tuple[str, ...], training: Training) -> LabelObjective:
    """Return the objective: cross-entropy over `labels`.

    Raises:
        UserError: If the recipe weights labels that do not exist.
    """

    def row(target: Target, logits: NDArray[np.float32]) -> dict[str, Any]:
        assert isinstance(target, int)
        return {"reference": labels[target], "prediction": labels[logits.argmax()], "logits": logits.tolist()}

    return LabelObjective(
        labels,
        training.pool,
        "single_label_classification",
        cross_entropy,
        row,
        learnt=LossOfLabels.of(training, labels),
        counts=lambda targets: label_counts(targets, len(labels)),
        learnt_loss=learnt_loss,
        target_weight=target_weight,
    )


def cross_entropy(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """Compute losses [texts] from logits [texts, labels] and label indices."""
    return functional.cross_entropy(logits, to_device(torch.tensor(targets), logits.device), reduction="none")


def learnt_loss(learnt: LossOfLabels, logits: Tensor, targets: Sequence[int]) -> Tensor:
    """Compute the losses with the weights of the recipe."""
    return learnt.cross_entropy(logits, to_device(torch.tensor(targets), logits.device))


def target_weight(learnt: LossOfLabels, target: int) -> float:
    """Return the weight of a text with this label."""
    assert learnt.weights is not None
    return float(learnt.weights[target])
