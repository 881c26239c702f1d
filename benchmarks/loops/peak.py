"""The peak rate of the processor: matrix products of the sizes of layers, without anything around them."""

from __future__ import annotations

import time

import torch

from benchmarks.loops.job import Job
from benchmarks.loops.turns import Channel

SIZES = ((1024, 768, 3072), (2048, 1024, 1024), (2048, 2048, 2048))  # tokens, width in, width out
SECONDS = 0.5  # of each size a turn


def training(job: Job, channel: Channel) -> None:
    """Turns that find the best operations a second of the precision, on as many threads as the process has."""
    kind = torch.bfloat16 if job.precision == "bf16" else torch.float32
    operands = [(torch.randn(m, k, dtype=kind), torch.randn(n, k, dtype=kind)) for m, k, n in SIZES]
    while True:
        channel.wait()
        channel.report(max(_rate(*pair) for pair in operands))


def _rate(states: torch.Tensor, weight: torch.Tensor) -> float:
    """Operations a second of the processor."""
    operations, seconds = 2 * states.shape[0] * weight.numel(), 0.0
    best = 0.0
    while seconds < SECONDS:
        started = time.process_time()
        torch.nn.functional.linear(states, weight)
        took = time.process_time() - started
        best, seconds = max(best, operations / took), seconds + took
    return best
