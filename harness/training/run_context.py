"""RunContext: the environment of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator

from harness.record import Measurements
from harness.training.callbacks import Callbacks
from harness.training.result import Stopwatch


@dataclass(frozen=True)
class RunContext:
    """The environment of a run.

    Attributes:
        accelerator: Devices, precision and processes.
        folder: The folder for the state of the unfinished run.
        watch: Measures the seconds of each phase.
        callbacks: Called after every step and evaluation.
        checkpoint_seconds: Seconds between two saves of the state.
        known: Measurements made before training.
    """

    accelerator: Accelerator
    folder: Path
    watch: Stopwatch
    callbacks: Callbacks
    checkpoint_seconds: float
    known: Measurements
