"""Timing of several pieces of work for comparison, interleaved in one process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

import torch

Work = Callable[[], object]


def interleaved(work: Mapping[str, Work], repeats: int) -> dict[str, list[float]]:
    """Time each piece of work in each repeat.

    Each repeat does all of them, in a random order, so that other load on the machine affects all alike. A first,
    untimed round serves as warm-up.

    Args:
        work: The pieces of work, by name.
        repeats: Number of timed rounds.

    Returns:
        Seconds, by name [repeats].
    """
    chooser = random.Random(0)
    # Other load hardly affects the processor time of one thread.
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    for one in work.values():
        one()
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name in chooser.sample(list(work), len(work)):
            started = clock()
            work[name]()
            seconds[name].append(clock() - started)
    return seconds


def clock_words(threads: int) -> str:
    """Describe in words the clock that times are taken with."""
    return "processor time of one thread" if threads == 1 else f"time on the clock with {threads} threads"
