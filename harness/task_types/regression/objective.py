"""How a number per text is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.config.training import Training
from harness.task_types.texts import Target
from harness.task_types.texts_objective import TextObjective


def objective(labels: tuple[str, ...], training: Training) -> TextObjective:
    """Squared error; there are no labels."""
    assert not labels, labels
    return TextObjective((), training.pool, "regression", squared_error, row)


def row(target: Target, logits: NDArray[np.float32]) -> dict[str, Any]:
    """The true and the predicted number."""
    assert not isinstance(target, tuple)
    return {"reference": float(target), "prediction": float(logits.reshape(-1)[0])}


def squared_error(logits: Tensor, targets: Sequence[float]) -> Tensor:
    """Losses [texts] from outputs [texts, 1] and numbers."""
    return (logits[:, 0] - torch.tensor(targets, dtype=logits.dtype, device=logits.device)) ** 2
