"""Simulated sets of labels. Each label is independent, and right if quality plus noise is above 0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.metrics import influence
from harness.metrics.influence import OfMatrices, with_none
from harness.metrics.metric import Floats, Scored
from harness.task_types.simulated import Generator, Simulation

SHARES = np.array([0.5, 0.3, 0.2, 0.1])
"""The frequency of each label."""


def _of_sets(scored: OfMatrices) -> Simulation:
    def references(rng: Generator, examples: int) -> np.ndarray:
        return np.asarray(rng.random((examples, len(SHARES))) < SHARES)

    def run(rng: Generator, there: np.ndarray, quality: Floats) -> Scored:
        wrong = quality[:, None] + rng.normal(size=there.shape) <= 0
        return scored(there.astype(float), (there ^ wrong).astype(float))

    return Simulation(references, run)


SIMULATIONS: Mapping[str, Simulation] = {
    "macro_f1_with_none": _of_sets(with_none(influence.macro_f1)),
    "micro_f1_with_none": _of_sets(with_none(influence.micro_f1)),
}
