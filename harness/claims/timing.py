"""Seconds of several pieces of work that are compared with each other, taken in turns in one process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

import torch

Work = Callable[[], object]


def interleaved(work: Mapping[str, Work], repeats: int, *, seed: int = 0) -> dict[str, list[float]]:
    """Seconds of each piece of work in each repeat.

    Each repeat does all of them, in an order of its own, so that whatever else the machine does falls on all alike. The
    first round is not counted.

    Args:
        work: What is timed, by name.
        repeats: How many rounds count.
        seed: Of the orders.

    Returns:
        By name [repeats].
    """
    clock, chooser = clock_for(torch.get_num_threads()), random.Random(seed)
    for one in work.values():
        one()
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name in chooser.sample(list(work), len(work)):
            started = clock()
            work[name]()
            seconds[name].append(clock() - started)
    return seconds


def clock_for(threads: int) -> Callable[[], float]:
    """The processor's seconds where one thread works, which other work hardly changes; else those on the clock."""
    return time.process_time if threads == 1 else time.perf_counter


def clock_words(threads: int) -> str:
    """Which seconds those are."""
    return "processor time of one thread" if threads == 1 else f"time on the clock with {threads} threads"


def vector_unit() -> str:
    """The widest vector instructions that torch uses here, such as "AVX512"."""
    return str(torch.backends.cpu.get_cpu_capability())
