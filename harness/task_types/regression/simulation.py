"""Simulated numbers, predicted with a larger error if quality is lower. The tails are heavier than normal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.metrics import influence
from harness.metrics.influence import OfMatrices
from harness.metrics.metric import Floats, Scored
from harness.task_types.simulated import Generator, Simulation

ERROR, SLOPE = 0.9, 0.35
"""The standard deviation of the error at quality 0, and how fast its logarithm falls with quality."""


def _of_numbers(scored: OfMatrices) -> Simulation:
    def references(rng: Generator, examples: int) -> Floats:
        return rng.normal(size=(examples, 1))

    def run(rng: Generator, numbers: Floats, quality: Floats) -> Scored:
        errors = ERROR * np.exp(-SLOPE * quality)[:, None] * rng.normal(size=numbers.shape)
        return scored(numbers, numbers + errors)

    return Simulation(references, run)


SIMULATIONS: Mapping[str, Simulation] = {
    "pearson": _of_numbers(influence.correlation),
    "spearman": _of_numbers(influence.spearman),
    "mean_squared_error": _of_numbers(influence.mean_squared_error),
}
