"""TrainingResult: what fine-tuning, or fitting a simple baseline, hands over to the record."""

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
    """A trained model: what was measured of it, what it predicts, and how to save it.

    Attributes:
        measurements: What the record says of it, as it stands there.
        labels: Names in the order of the logits.
        rows: One row per test example: id, group, length, reference, prediction and the task type's scores. None where
            the run is scored on validation alone.
        save: Writes the checkpoint into a folder.
    """

    measurements: Measurements
    labels: tuple[str, ...]
    rows: Sequence[Row]
    save: Callable[[Path], None]


class Stopwatch:
    """Seconds by phase.

    Attributes:
        seconds: On the clock.
        processor_seconds: Of the processor, of all threads and of all processes that do the same.
    """

    def __init__(self, processes: int = 1) -> None:
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}
        self._processes = processes

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Count the time inside to `phase`."""
        started, processor = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.add(phase, time.monotonic() - started, time.process_time() - processor)

    def add(self, phase: str, seconds: float, processor_seconds: float) -> None:
        """Count `seconds` on the clock, and those of this process's processor, to `phase`."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds
        before = self.processor_seconds.get(phase, 0.0)
        self.processor_seconds[phase] = before + self._processes * processor_seconds
