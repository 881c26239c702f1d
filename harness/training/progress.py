"""Progress: how far a run has come; part of its state."""

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
        step: Number of optimiser steps.
        curve: One point per evaluation.
        best_step: The step whose weights are kept: that with the best validation score so far, or the last one with
            `keep = "last"`; 0 before the first evaluation.
        best_weights: The model's tensors at that step, on the CPU.
        best_outputs: The objective's outputs on the validation split with these weights; None if it was not scored
            since the run was last started or resumed.
        loss_sum: Sum of the items' training losses since the last point of the curve; on the device until it is read.
        loss_items: Number of items in that sum.
        tokens: Number of tokens trained on, including special tokens.
        items: Number of items trained on.
        seconds: Seconds of training, excluding validation.
        validation_seconds: Seconds of validation.
        micro_batch_size: Maximum number of windows in a forward pass.
        notes: Remarks for the record.
        processor_seconds: Processor seconds of training, of all threads.
        validation_processor_seconds: Processor seconds of validation.
        first_losses: Losses of the first pretraining steps, by which a repeated run can be compared.
        labels: Label names in the order of the model's outputs.
        batches: Digest of the items' lengths, which determine the batches of fine-tuning.
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
        """Add the mean loss of `items` items."""
        self.loss_sum = self.loss_sum + loss.double() * items
        self.loss_items += items

    def read_loss(self) -> float:
        """Return the mean training loss since the last point of the curve.

        Raises:
            DivergedError: If it is not finite.
        """
        self.loss_sum = float(self.loss_sum)
        check_loss(self.loss_sum)
        return self.loss_sum / max(self.loss_items, 1)

    def begin_loss(self) -> None:
        """Reset the training loss after a point of the curve."""
        self.loss_sum, self.loss_items = 0.0, 0
