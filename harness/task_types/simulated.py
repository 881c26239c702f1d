"""Simulation: made-up references and predictions of one sort, on which `harness calibrate` tries how we compare.

A task type says in its `simulation.py` what the predictions of a better and of a worse run look like. How good a run is
on an example is one number, its quality: above 0 where a label would be right, and lower the worse it is.
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
    """Predictions of one sort, judged by one metric.

    Attributes:
        references: The right answers to so many examples, in whatever form `scored` takes.
        scored: The score of a run of some quality [examples] and each example's influence on it.
        collapsed: The same of a run that has learnt nothing and answers every example alike; None: there is none.
    """

    references: Callable[[Generator, int], Any]
    scored: Callable[[Generator, Any, Floats], Scored]
    collapsed: Callable[[Any], Scored] | None = None


def nothing_shared(_rng: Generator, _examples: int) -> None:
    """References, where a score depends on quality alone."""


def of_values(value: Callable[[Floats], Floats]) -> Simulation:
    """The mean of one value per example, which follows from quality [examples]."""
    return Simulation(nothing_shared, lambda _rng, _references, quality: of_mean(value(quality)))


def of_sums(sums: Callable[[Generator, Any, Floats], tuple[Floats, Floats]], references: Any) -> Simulation:
    """The mean over columns of ratios of sums over examples, numerators and denominators [examples, columns]."""

    def scored(rng: Generator, known: Any, quality: Floats) -> Scored:
        scores, influences = ratio(*sums(rng, known, quality))
        return float(scores.mean()), influences.mean(axis=1)

    return Simulation(references, scored)
