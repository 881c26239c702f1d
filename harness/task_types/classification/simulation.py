"""Simulated labels: right if a run's quality is above 0, else another label at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.metrics import influence
from harness.metrics.influence import OfMatrices
from harness.metrics.metric import Floats, Scored
from harness.task_types.simulated import Generator, Simulation

THREE, TWO = (0.6, 0.3, 0.1), (0.7, 0.3)
"""Shares of the labels."""


def _of_labels(scored: OfMatrices, shares: Sequence[float] = THREE) -> Simulation:
    indicators = np.eye(len(shares))

    def references(rng: Generator, examples: int) -> np.ndarray:
        return rng.choice(len(shares), examples, p=shares)

    def run(rng: Generator, labels: np.ndarray, quality: Floats) -> Scored:
        another = (labels + rng.integers(1, len(shares), len(labels))) % len(shares)
        return scored(indicators[labels], indicators[np.where(quality > 0, labels, another)])

    def collapsed(labels: np.ndarray) -> Scored:
        return scored(indicators[labels], indicators[np.zeros_like(labels)])

    return Simulation(references, run, collapsed)


def _of_right_answers() -> Simulation:
    """Simulate accuracy, for which it does not matter which wrong label is predicted."""
    labelled = _of_labels(influence.accuracy)
    return replace(labelled, scored=lambda _rng, _labels, quality: influence.of_mean((quality > 0).astype(float)))


ACCURACY = _of_right_answers()
SIMULATIONS: Mapping[str, Simulation] = {
    "accuracy": ACCURACY,
    "macro_f1": _of_labels(influence.macro_f1),
    "micro_f1": ACCURACY,  # equal to accuracy with one label per example
    "f1": _of_labels(influence.f1, TWO),
    "matthews": _of_labels(influence.correlation),
}
