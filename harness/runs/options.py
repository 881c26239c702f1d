"""Options of running; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.record import RunRecord

Intervals = Callable[[Path, RunRecord], Mapping[str, tuple[float, float]]]
"""Computes the ends of the intervals of a run's test scores by metric, from its folder and record."""


@dataclass(frozen=True)
class Resources:
    """The resources of each run on a Ray cluster.

    Attributes:
        cpus: CPUs of each run, and threads of its operations.
        gpus: GPUs of each run.
        memory_bytes: Memory of each run; None: no request.
        at_most: Maximum number of concurrent runs; None: as many as fit on the cluster.
        upload: Whether nodes get a copy of the working directory, because they don't share its disk.
    """

    cpus: int = 1
    gpus: int = 0
    memory_bytes: int | None = None
    at_most: int | None = None
    upload: bool = False


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what: nothing here changes a result.

    Attributes:
        redo: Whether to replace existing results.
        track: One of accelerate's trackers, such as "tensorboard".
        intervals: Computes the intervals of test scores for the tracker; None: it gets scores only.
        checkpoint_seconds: Seconds between saved states of a run in progress.
        command: The user's command, which the record keeps.
        rare_label_told: Whether the user has been told about a rare label.
        notes_told: Notes on the data that the user has been told.
        ray: The resources of each run on a Ray cluster; None: run on this machine.
        workers: Number of parallel processes; None: as many as suit the machine.
    """

    redo: bool = False
    track: str | None = None
    intervals: Intervals | None = None
    checkpoint_seconds: float = 120.0
    command: tuple[str, ...] = ()
    rare_label_told: bool = False
    notes_told: tuple[str, ...] = ()
    ray: Resources | None = None
    workers: int | None = None
