"""Progress: how far a run has come, which is a part of its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from harness.record import CurvePoint
from harness.training.trainer import check_loss


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: Optimiser steps taken.
        curve: One point an evaluation.
        best_step: The step whose weights are kept: that with the best validation score so far, or by `keep = "last"`
            the last one; 0 before the first evaluation.
        best_weights: The model's tensors at that step, on the CPU.
        best_outputs: What the objective makes results from, of the validation split with those weights; None where it
            was not scored since the run was last begun.
        loss_sum: Training loss since the last point of the curve, times items; on the device until it is read.
        loss_items: Items since then.
        tokens: Tokens that training has read, special ones included.
        items: Items that training has read.
        seconds: Seconds that training took, validation left out.
        validation_seconds: Seconds that validation took.
        micro_batch_size: Most windows in one forward pass.
        notes: What happened on the way.
        processor_seconds: Seconds of the processor that training took, of all threads.
        validation_processor_seconds: Those that validation took.
        first_losses: Of pretraining's first steps, by which another run shows that it is the same.
        labels: What the model's outputs stand for, in their order.
        batches: Digest of the items' lengths, by which fine-tuning puts them into batches.
    """

    step: int = 0
    curve: list[CurvePoint] = field(default_factory=list)
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    loss_sum: float | Tensor = 0.0
    loss_items: int = 0
    tokens: int = 0
    items: int = 0
    seconds: float = 0.0
    validation_seconds: float = 0.0
    micro_batch_size: int = 0
    notes: list[str] = field(default_factory=list)
    processor_seconds: float = 0.0
    validation_processor_seconds: float = 0.0
    first_losses: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    batches: str = ""
    best_outputs: Any = None

    def count_loss(self, loss: Tensor, items: int) -> None:
        """Add the mean loss of so many items."""
        self.loss_sum = self.loss_sum + loss.double() * items
        self.loss_items += items

    def read_loss(self) -> float:
        """The mean training loss since the last point of the curve.

        Raises:
            DivergedError: It is not finite.
        """
        self.loss_sum = float(self.loss_sum)
        check_loss(self.loss_sum)
        return self.loss_sum / max(self.loss_items, 1)

    def begin_loss(self) -> None:
        """Forget the training loss of the last point of the curve."""
        self.loss_sum, self.loss_items = 0.0, 0
