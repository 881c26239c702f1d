"""How one label per text is learnt."""

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
    """Cross-entropy over `labels`.

    Raises:
        UserError: The recipe weighs labels that there are not.
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
    """Losses [texts] from logits [texts, labels] and label indices."""
    return functional.cross_entropy(logits, to_device(torch.tensor(targets), logits.device), reduction="none")


def learnt_loss(learnt: LossOfLabels, logits: Tensor, targets: Sequence[int]) -> Tensor:
    """The same as the recipe weighs them."""
    return learnt.cross_entropy(logits, to_device(torch.tensor(targets), logits.device))


def target_weight(learnt: LossOfLabels, target: int) -> float:
    """What a text with the label counts."""
    assert learnt.weights is not None
    return float(learnt.weights[target])
