"""Simulation: synthetic references and predictions on which `harness calibrate` tests the comparison.

The `simulation.py` of a task type defines the predictions of better and worse runs. A run's quality on an example is
one number: above 0 if a label would be right, and lower the worse the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.metrics.influence import of_mean, ratio
from harness.metrics.metric import Floats, Scored

Generator = np.random.Generator


@dataclass(frozen=True)
class Simulation:
    """Simulated predictions for one metric.

    Attributes:
        references: Generates reference answers to a number of examples, in the form that `scored` takes.
        scored: Computes the score of a run with a quality [examples], and each example's influence on it.
        collapsed: Computes the same for a run that predicts the same for every example; None if there is no such run.
    """

    references: Callable[[Generator, int], Any]
    scored: Callable[[Generator, Any, Floats], Scored]
    collapsed: Callable[[Any], Scored] | None = None


def nothing_shared(_rng: Generator, _examples: int) -> None:
    """Return no references, for scores that depend on quality alone."""


def of_values(value: Callable[[Floats], Floats]) -> Simulation:
    """Simulate the mean of one value per example, which is a function of quality [examples]."""
    return Simulation(nothing_shared, lambda _rng, _references, quality: of_mean(value(quality)))


def of_sums(sums: Callable[[Generator, Any, Floats], tuple[Floats, Floats]], references: Any) -> Simulation:
    """Simulate the mean over columns of ratios of sums: numerators and denominators are [examples, columns]."""

    def scored(rng: Generator, known: Any, quality: Floats) -> Scored:
        scores, influences = ratio(*sums(rng, known, quality))
        return float(scores.mean()), influences.mean(axis=1)

    return Simulation(references, scored)
