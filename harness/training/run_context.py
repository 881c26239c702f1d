"""RunContext: where a run takes place, and who follows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator

from harness.record import Measurements
from harness.training.callbacks import Callbacks
from harness.training.result import Stopwatch


@dataclass(frozen=True)
class RunContext:
    """Where a run takes place, and who follows it.

    Attributes:
        accelerator: Devices, precision, processes.
        folder: Holds the state of the run while it is under way.
        watch: Counts the seconds of each phase.
        callbacks: Told of every step and evaluation.
        checkpoint_seconds: How often the state is saved.
        known: What was measured before training.
    """

    accelerator: Accelerator
    folder: Path
    watch: Stopwatch
    callbacks: Callbacks
    checkpoint_seconds: float
    known: Measurements
