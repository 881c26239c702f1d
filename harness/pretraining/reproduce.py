"""Whether a recipe still gives what a record says: its first steps are taken again, and their losses compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.console import Console

from harness.errors import UserError
from harness.pretraining.recipe import settings_that_differ
from harness.pretraining.record import PretrainingRecord
from harness.pretraining.run import Job, course_of
from harness.training.callbacks import Callbacks
from harness.training.trainer import DivergedError, Trainer

CLOSE = 0.01  # nats per word; another processor rounds otherwise, and training enlarges that


@dataclass(frozen=True)
class Verdict:
    """What two runs' first losses have in common.

    Attributes:
        steps: How many were compared.
        equal: How many of the first ones are the same to the bit.
        largest: Largest difference, in nats per word.
    """

    steps: int
    equal: int
    largest: float

    @property
    def holds(self) -> bool:
        """Whether the losses are the same, up to rounding."""
        return self.largest <= CLOSE


def verified(job: Job, record: PretrainingRecord, callbacks: Callbacks, console: Console) -> Verdict:
    """Take the record's first steps again.

    Args:
        job: The recipe, in a folder that is thrown away.
        record: Of an earlier run.
        callbacks: Told of the steps.
        console: Shows how far the preparation is.

    Raises:
        UserError: The record is of another recipe, with the differing keys, or holds no losses.
    """
    if lines := settings_that_differ(record.config, job.recipe):
        raise UserError(f"{record.name}: recorded with another recipe.", *(f"    {line}" for line in lines))
    expected = record.first_losses
    if not expected:
        raise UserError(f"{record.name}: its record holds no losses to compare with. Name another pretraining.json.")
    trainer, course, _ = course_of(job, console)
    losses: list[float] = []
    for batch in islice(course.objective.steps(0), len(expected)):
        losses.append(_loss(trainer, batch))
        callbacks.on_step(len(losses), len(expected), loss=losses[-1], items=len(batch))
    pairs = list(zip(losses, expected, strict=True))
    equal = next((index for index, (new, old) in enumerate(pairs) if new != old), len(pairs))
    return Verdict(len(pairs), equal, max(abs(new - old) for new, old in pairs))


def _loss(trainer: Trainer[Any], batch: Sequence[Any]) -> float:
    """The step's loss; infinite where it is no number, so that it is like no other."""
    try:
        loss = float(trainer.step(batch))  # A GPU's step raises nothing.
        return loss if math.isfinite(loss) else math.inf
    except DivergedError:
        return math.inf
