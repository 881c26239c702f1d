"""Measure the inference cost of a finished model: latency, throughput, memory and disk, on the task's own texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.checksums import write_document
from harness.ops.device import hardware, peak_memory_bytes, reset_peak_memory
from harness.ops.others import others_share
from harness.runs.answering import model_folder, ready_model
from harness.runs.exported import recorded
from harness.runs.inference_cost import INFERENCE, InferenceCost
from harness.runs.run_splits import read_splits

WARM_UP, MOST_SINGLE, MOST_TOGETHER = 3, 200, 512
SECONDS = 4.0  # Time limit for single texts, and for each batch size.
BATCHES = (8, 32, 128)

Answer = Callable[[Sequence[Any]], object]


def measured_run(run: Path) -> InferenceCost:
    """Measure a finished run's model on its test texts, and write the result to its folder.

    Raises:
        UserError: If it has no checkpoint, or its data can't be read again.
    """
    record, config = recorded(run)
    examples = list(read_splits(config).test)
    folder = model_folder(run, record)
    reset_peak_memory()
    with others_share() as others:
        model = ready_model(run, record, config)
        single = list(_single(model.in_batches(1).answer, examples))
        rates = {size: _rate(model.in_batches(size).answer, examples, size) for size in BATCHES}
    best = max(rates, key=lambda size: rates[size])
    p50, p95 = np.quantile(single, [0.5, 0.95])
    found = InferenceCost(
        latency_p50=float(p50),
        latency_p95=float(p95),
        texts_per_second=rates[best],
        batch_size=best,
        peak_memory_bytes=peak_memory_bytes(),
        disk_bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        texts=len(single),
        others=round(others(), 3),
        hardware=hardware(None),
    )
    write_document(run / INFERENCE, found.model_dump())
    return found


def _single(answer: Answer, examples: Sequence[Any]) -> Iterator[float]:
    """Yield the seconds of one text after another until there are enough or time is over; at least one."""
    for example in examples[:WARM_UP]:
        answer([example])
    until = time.perf_counter() + SECONDS
    for example in examples[:MOST_SINGLE]:
        started = time.perf_counter()
        answer([example])
        yield time.perf_counter() - started
        if time.perf_counter() > until:
            return


def _rate(answer: Answer, examples: Sequence[Any], size: int) -> float:
    """Texts per second with the given batch size."""
    batches = [examples[start : start + size] for start in range(0, min(len(examples), MOST_TOGETHER), size)]
    answer(batches[0])
    started, done = time.perf_counter(), 0
    for batch in batches:
        answer(batch)
        done += len(batch)
        if time.perf_counter() - started > SECONDS:
            break
    return done / (time.perf_counter() - started)
