"""How busy other work kept the machine meanwhile, which makes whatever is timed there take longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def others_share(processes: int = 1) -> Iterator[Callable[[], float]]:
    """Gives a function that says how many processors other work kept busy, on average, since the block was entered.

    Args:
        processes: Like this one, that do the same work and are no others.
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
