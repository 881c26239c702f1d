"""Check that a recipe reproduces a record: repeat its first steps and compare their losses."""

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
from harness.pretraining.run import Job, run_of
from harness.training.callbacks import Callbacks
from harness.training.trainer import DivergedError, Trainer

CLOSE = 0.01  # nats per token; rounding differs between processors, and training amplifies it


@dataclass(frozen=True)
class Verdict:
    """Comparison of two runs' first losses.

    Attributes:
        steps: Number of steps compared.
        equal: Number of steps from the start whose losses are identical to the bit.
        largest: Largest difference, in nats per predicted token.
    """

    steps: int
    equal: int
    largest: float

    @property
    def holds(self) -> bool:
        """Whether the losses are the same, up to rounding."""
        return self.largest <= CLOSE


def verified(job: Job, record: PretrainingRecord, callbacks: Callbacks, console: Console) -> Verdict:
    """Repeat the record's first steps and compare the losses.

    Raises:
        UserError: If the record has another recipe (with the differing settings), or has no losses.
    """
    if lines := settings_that_differ(record.config, job.recipe):
        raise UserError(f"{record.name}: recorded with another recipe.", *(f"    {line}" for line in lines))
    expected = record.first_losses
    if not expected:
        raise UserError(f"{record.name}: its record holds no losses to compare with. Name another pretraining.json.")
    trainer, run, _ = run_of(job, console)
    losses: list[float] = []
    for batch in islice(run.objective.steps(0), len(expected)):
        losses.append(_loss(trainer, batch))
        callbacks.on_step(len(losses), len(expected), loss=losses[-1], items=len(batch))
    pairs = list(zip(losses, expected, strict=True))
    equal = next((index for index, (new, old) in enumerate(pairs) if new != old), len(pairs))
    return Verdict(len(pairs), equal, max(abs(new - old) for new, old in pairs))


def _loss(trainer: Trainer[Any], batch: Sequence[Any]) -> float:
    """Take a step and return its loss, or infinity if it is not finite, so that it matches no recorded loss."""
    try:
        loss = float(trainer.step(batch))  # A GPU's step raises nothing.
        return loss if math.isfinite(loss) else math.inf
    except DivergedError:
        return math.inf
