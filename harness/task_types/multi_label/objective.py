"""How any number of labels per text are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.config.training import Training
from harness.task_types.texts import Target
from harness.task_types.texts_objective import LabelObjective
from harness.task_types.weighted_losses import LossOfLabels, yes_counts


def objective(labels: tuple[str, ...], training: Training) -> LabelObjective:
    """A yes or no for each of `labels`: the label is predicted where its logit is positive.

    Raises:
        UserError: The recipe weighs labels that there are not.
    """

    def row(target: Target, logits: NDArray[np.float32]) -> dict[str, Any]:
        assert isinstance(target, tuple)
        return {
            "reference": [labels[index] for index in target],
            "prediction": [labels[index] for index in np.flatnonzero(logits > 0)],
            "logits": logits.tolist(),
        }

    return LabelObjective(
        labels,
        training.pool,
        "multi_label_classification",
        binary_cross_entropy,
        row,
        learnt=LossOfLabels.of(training, labels),
        counts=lambda targets: yes_counts(targets, len(labels)),
        learnt_loss=learnt_loss,
        target_weight=target_weight,
    )


def binary_cross_entropy(logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """Losses [texts], the mean over labels, from logits [texts, labels] and the indices of each text's labels."""
    return functional.binary_cross_entropy_with_logits(logits, _wanted(logits, targets), reduction="none").mean(1)


def learnt_loss(learnt: LossOfLabels, logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """The same as the recipe weighs them."""
    return learnt.binary_cross_entropy(logits, _wanted(logits, targets)).mean(1)


def target_weight(learnt: LossOfLabels, target: tuple[int, ...]) -> float:
    """What a text with these labels counts: the mean over its yes and no."""
    assert learnt.weights is not None
    chosen = learnt.weights[:, 0].copy()
    chosen[list(target)] = learnt.weights[list(target), 1]
    return float(chosen.mean())


def _wanted(logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """1 at each text's labels, and else 0 [texts, labels]."""
    wanted = torch.zeros_like(logits)
    for row, target in zip(wanted, targets, strict=True):
        row[list(target)] = 1.0
    return wanted
