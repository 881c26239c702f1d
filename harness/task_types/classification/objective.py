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
from harness.task_types.texts import Target
from harness.task_types.texts_objective import TextObjective


def objective(labels: tuple[str, ...], training: Training) -> TextObjective:
    """Cross-entropy over `labels`."""

    def row(target: Target, logits: NDArray[np.float32]) -> dict[str, Any]:
        assert isinstance(target, int)
        return {"reference": labels[target], "prediction": labels[logits.argmax()], "logits": logits.tolist()}

    return TextObjective(labels, training.pool, "single_label_classification", cross_entropy, row)


def cross_entropy(logits: Tensor, targets: Sequence[int]) -> Tensor:
    """Losses [texts] from logits [texts, labels] and label indices."""
    return functional.cross_entropy(logits, torch.tensor(targets, device=logits.device), reduction="none")
