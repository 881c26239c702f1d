"""The training speed of this machine: from recorded runs, from matrix products, or assumed."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from harness.record import RunRecord
from harness.suites.ranges import Range

MEASURING_SECONDS = 3.0
ASSUMED = {"fp32": 30e9, "bf16": 60e9}
ASSUMED_WITHIN = 4.0
"""Operations per second of one core in training. A core of an AMD EPYC (Zen 4) does 43e9 to 85e9 in fp32, and 41e9 to
166e9 in bf16, with small models (benchmarks/results/training); older CPUs have a fraction of it."""
SHARE_OF_PEAK = Range(0.5, 0.1, 0.9)
"""The speed of training relative to plain matrix products, by benchmarks/results/training: lowest for tiny models."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Operations per second of one run, and the source of the number."""

    operations: Range
    source: str


def recorded_speed(records: Iterable[RunRecord]) -> Speed | None:
    """The median speed of recorded runs; None if none was trained."""
    rates = [
        (record.cost.training_flops / record.cost.seconds["train"], is_of_this_machine(record))
        for record in records
        if record.cost.training_flops > 0 and record.cost.seconds.get("train", 0) > 0
    ]
    ours = [rate for rate, is_ours in rates if is_ours]
    if not rates:
        return None
    about = median(ours or [rate for rate, _ in rates])
    if ours:
        return Speed(Range(about, about / 3, about * 3), "the speed of other models' recorded runs")
    return Speed(Range(about, about / 10, about * 10), "the speed of another machine's runs")


def is_of_this_machine(record: RunRecord) -> bool:
    """Return whether the record's platform and cores are this machine's; True if it does not record them."""
    hardware = record.provenance.hardware
    ours = {"platform": platform.platform(), "cores": os.cpu_count()}
    return all(hardware.get(name, own) == own for name, own in ours.items())


def assumed_speed(precision: str, threads: int) -> Speed:
    """The assumed speed of a number of cores."""
    about = ASSUMED.get(precision, ASSUMED["fp32"]) * threads
    source = "an assumed speed (harness plan --measure measures this machine's)"
    return Speed(Range(about, about, about).loosened(ASSUMED_WITHIN), source)


def measured_speed(precision: str, threads: int) -> Speed:
    """Measure matrix products here for some seconds, of the size of a small model's."""
    import torch  # noqa: PLC0415 -- heavy, and only where it is asked for

    torch.set_num_threads(threads)
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = torch.ones(512, 1024, dtype=kind, device=device), torch.ones(1024, 1024, dtype=kind, device=device)
    float((left @ right).sum())  # The first product initializes the library.
    count, done, began = 1, 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < MEASURING_SECONDS:
        for _ in range(count):
            product = left @ right
        float(product.sum())  # Waits for asynchronous devices.
        done, count = done + count, min(2 * count, 4096)
    peak = 2 * 512 * 1024 * 1024 * done / spent
    return Speed(SHARE_OF_PEAK.times(peak), f"matrix products here ({peak / 1e9:.0f} GFLOP/s)")
