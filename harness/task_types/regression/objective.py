"""Training objective of one number per text, independent of the unit.

A head's outputs start near 0 and move with the learning rate, so that numbers in the thousands would take thousands of
steps to reach. The model therefore learns standardized numbers. After training, the last layer of the head, which is
linear, is converted to the unit of the data, so that the saved model predicts in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.config.training import Training
from harness.models.number_output import number_layer, rescale
from harness.ops.device import to_device
from harness.task_types.texts import Target, TextExample
from harness.task_types.texts_objective import TextObjective
from harness.tokenization.items import Batch, Collator, Features


@dataclass(frozen=True)
class NumberObjective(TextObjective):
    """Objective of numbers. The model predicts (number - `mean`) / `scale`."""

    mean: float = 0.0
    scale: float = 1.0

    @property
    def output_names(self) -> tuple[str, ...]:
        """The number, in the units of training."""
        return (f"(value - {self.mean!r}) / {self.scale!r}",)

    def for_training(self, model: Any, examples: Sequence[TextExample], *, has_own_head: bool) -> Self:
        """Return a copy with the mean and the standard deviation of the examples' numbers.

        A head without a bias could not restore the mean, so it learns numbers divided by their root mean square. A head
        that comes with the checkpoint is first converted to these units.
        """
        layer, wanted = number_layer(model), np.array([example.target for example in examples], dtype=np.float64)
        if layer is None:
            return self
        mean = float(wanted.mean()) if layer.bias is not None else 0.0
        scale = float(np.sqrt(((wanted - mean) ** 2).mean())) or 1.0
        if has_own_head:
            rescale(layer, mean=-mean / scale, scale=1 / scale)
        return replace(self, mean=mean, scale=scale)

    def finish(self, model: Any) -> None:
        """Convert the head to the units of the data."""
        layer = number_layer(model)
        if layer is not None:
            rescale(layer, mean=self.mean, scale=self.scale)

    def plain_losses(self, scores: Tensor, batch: Batch, _collator: Collator) -> Tensor:
        """Compute the loss of each item [items], on standardized numbers."""
        return self.loss(scores, [(item.target - self.mean) / self.scale for item in batch.items])

    def outputs(
        self, results: Sequence[NDArray[np.float32]], _features: Features, _examples: Sequence[TextExample]
    ) -> Any:
        """Return numbers [examples, 1] in the units of the data."""
        return np.stack(results).astype(np.float64) * self.scale + self.mean


def objective(labels: tuple[str, ...], training: Training) -> NumberObjective:
    """Return the objective: squared error. There are no labels."""
    assert not labels, labels
    return NumberObjective((), training.pool, "regression", squared_error, row)


def row(target: Target, logits: NDArray[Any]) -> dict[str, Any]:
    """Return the true and the predicted number."""
    assert not isinstance(target, tuple)
    return {"reference": float(target), "prediction": float(logits.reshape(-1)[0])}


def squared_error(logits: Tensor, targets: Sequence[float]) -> Tensor:
    """Compute losses [texts] from outputs [texts, 1] and numbers."""
    return (logits[:, 0] - to_device(torch.tensor(targets, dtype=logits.dtype), logits.device)) ** 2
