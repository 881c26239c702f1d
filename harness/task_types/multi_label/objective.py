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
from harness.task_types.texts_objective import TextObjective


def objective(labels: tuple[str, ...], training: Training) -> TextObjective:
    """A yes or no for each of `labels`: the label is predicted where its logit is positive."""

    def row(target: Target, logits: NDArray[np.float32]) -> dict[str, Any]:
        assert isinstance(target, tuple)
        return {
            "reference": [labels[index] for index in target],
            "prediction": [labels[index] for index in np.flatnonzero(logits > 0)],
            "logits": logits.tolist(),
        }

    return TextObjective(labels, training.pool, "multi_label_classification", binary_cross_entropy, row)


def binary_cross_entropy(logits: Tensor, targets: Sequence[tuple[int, ...]]) -> Tensor:
    """Losses [texts], the mean over labels, from logits [texts, labels] and the indices of each text's labels."""
    wanted = torch.zeros_like(logits)
    for row, target in zip(wanted, targets, strict=True):
        row[list(target)] = 1.0
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(1)
