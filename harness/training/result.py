"""TrainingResult: the result of fine-tuning a model or fitting a baseline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.record import Measurements

Row = dict[str, Any]


@dataclass(frozen=True)
class TrainingResult:
    """A trained model with its measurements and predictions.

    Attributes:
        measurements: The measurements of the record.
        labels: Label names in the order of the logits.
        rows: One row per test example: id, group, length, reference, prediction and the task type's scores. Empty if
            the run is scored on validation only.
        save: Saves the checkpoint to a folder.
    """

    measurements: Measurements
    labels: tuple[str, ...]
    rows: Sequence[Row]
    save: Callable[[Path], None]


class Stopwatch:
    """Measure seconds by phase.

    Attributes:
        seconds: Wall-clock seconds.
        processor_seconds: Processor seconds of all threads, and of all processes that do the same work.
    """

    def __init__(self, processes: int = 1) -> None:
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}
        self._processes = processes

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Measure the time of the block as part of `phase`."""
        started, processor = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.add(phase, time.monotonic() - started, time.process_time() - processor)

    def add(self, phase: str, seconds: float, processor_seconds: float) -> None:
        """Add wall-clock seconds and the processor seconds of this process to `phase`."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds
        before = self.processor_seconds.get(phase, 0.0)
        self.processor_seconds[phase] = before + self._processes * processor_seconds
