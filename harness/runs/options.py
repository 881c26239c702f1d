"""How a run is to be made; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.record import RunRecord

Intervals = Callable[[Path, RunRecord], Mapping[str, tuple[float, float]]]
"""The ends of the intervals of a run's test scores by metric, from its predictions in a folder and its record."""


@dataclass(frozen=True)
class Resources:
    """What each run asks of a Ray cluster.

    Attributes:
        cpus: Processors of each run, and threads of its operations.
        gpus: GPUs of each run.
        memory_bytes: Of each run; None: as much as there is.
        at_most: So many runs at a time; None: as many as the cluster has room for.
        upload: Whether nodes get a copy of the working directory, for they don't share its disk.
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
        redo: Replace what an earlier run left.
        track: One of accelerate's trackers, such as "tensorboard".
        intervals: What gives the tracker the intervals of test scores; None: it gets scores alone.
        checkpoint_seconds: How often the state of a run under way is saved.
        command: What the user typed for it, which the record keeps.
        ray: What each run asks of the Ray cluster that does them; None: they are done on this machine.
    """

    redo: bool = False
    track: str | None = None
    intervals: Intervals | None = None
    checkpoint_seconds: float = 120.0
    command: tuple[str, ...] = ()
    ray: Resources | None = None
