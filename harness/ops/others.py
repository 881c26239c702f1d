"""Measure the load of other work on the machine, which slows down whatever is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def others_share(processes: int = 1) -> Iterator[Callable[[], float]]:
    """Yield a function that returns the average number of processors used by other work since the block was entered.

    Args:
        processes: Number of processes like this one, which do the same work and do not count as other.
    """
    own = psutil.Process()

    def now() -> tuple[float, float, float]:
        times = psutil.cpu_times()
        return time.perf_counter(), times.user + times.system + times.nice, sum(own.cpu_times()[:2])

    before = now()

    def share() -> float:
        seconds, everyone, ours = (after - first for after, first in zip(now(), before, strict=True))
        return max(everyone - processes * ours, 0.0) / seconds if seconds else 0.0

    yield share
