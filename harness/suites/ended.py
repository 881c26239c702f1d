"""How an attempt at a run ended, as a worker tells it; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass

from harness.record import RunRecord

DONE = ("complete", "diverged")  # States of a run that is not tried again.


@dataclass(frozen=True)
class Attempt:
    """How an attempt at a run ended.

    Attributes:
        record: The run's, of a failure too; None where another command is at work on the run, or has just done it.
        is_mistake: Whether it failed by what the user gave it, such as a row, a setting or a checkpoint.
        is_left: Whether another command is at work on it.
    """

    record: RunRecord | None
    is_mistake: bool = False
    is_left: bool = False
