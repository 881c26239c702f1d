"""Timing of several pieces of work for comparison, interleaved in one process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

import torch

Work = Callable[[], object]


def interleaved(work: Mapping[str, Work], repeats: int, *, seed: int = 0) -> dict[str, list[float]]:
    """Time each piece of work in each repeat.

    Each repeat does all of them, in a random order, so that other load on the machine affects all alike. A first,
    untimed round serves as warm-up.

    Args:
        work: The pieces of work, by name.
        repeats: Number of timed rounds.
        seed: Random seed of the orders.

    Returns:
        Seconds, by name [repeats].
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
    """Return the clock for timing: processor time with one thread, which other load hardly affects; else wall time."""
    return time.process_time if threads == 1 else time.perf_counter


def clock_words(threads: int) -> str:
    """Describe the clock in words."""
    return "processor time of one thread" if threads == 1 else f"time on the clock with {threads} threads"


def vector_unit() -> str:
    """Return the widest vector instructions that torch uses on this machine, such as "AVX512"."""
    return str(torch.backends.cpu.get_cpu_capability())
