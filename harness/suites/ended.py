"""The outcome of an attempt at a run, as reported by a worker; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from harness.record import RunRecord

DONE = ("complete", "diverged")  # States of a run that is not tried again.


@dataclass(frozen=True)
class Attempt:
    """The outcome of an attempt at a run.

    Attributes:
        record: The record, also of a failure; None if another command is executing the run or has just done so.
        is_mistake: Whether it failed because of the user's input, such as a row, a setting or a checkpoint.
        is_left: Whether another command is executing it.
    """

    record: RunRecord | None
    is_mistake: bool = False
    is_left: bool = False

    @property
    def seconds(self) -> float | None:
        """The time of the run; None if it failed, or was left to another command."""
        return None if self.record is None or self.record.status == "failed" else self.record.cost.total_seconds
