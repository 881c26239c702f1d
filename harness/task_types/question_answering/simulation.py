"""Simulated answers: right if quality is above 0, partly right just below. Half of the questions have an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.metrics.metric import Floats
from harness.task_types.question_answering.languages import MLQA
from harness.task_types.simulated import Generator, Simulation, of_sums, of_values

NEAR = -1.0
"""Above this quality, a wrong answer shares words with the right one."""


def _exact(quality: Floats) -> Floats:
    return (quality > 0).astype(float)


def _words(quality: Floats) -> Floats:
    return np.where(quality > 0, 1.0, np.clip(1 + quality / -NEAR, 0.0, 1.0))


def _of_some(value: Callable[[Floats], Floats], *, answerable: bool) -> Simulation:
    """Simulate the mean over the questions with an answer, or over those without."""

    def sums(_rng: Generator, has_answer: Floats, quality: Floats) -> tuple[Floats, Floats]:
        chosen = (has_answer if answerable else 1 - has_answer)[:, None]
        return value(quality)[:, None] * chosen, chosen

    return of_sums(sums, lambda rng, examples: rng.integers(0, 2, examples).astype(float))


EXACT_MATCH, F1 = of_values(_exact), of_values(_words)
SIMULATIONS: Mapping[str, Simulation] = {
    "exact_match": EXACT_MATCH,
    "qa_f1": F1,
    "has_answer_f1": _of_some(_words, answerable=True),
    "has_answer_exact_match": _of_some(_exact, answerable=True),
    "no_answer_accuracy": _of_some(_exact, answerable=False),
    **{metric.name: EXACT_MATCH if "exact_match" in metric.name else F1 for metric in MLQA},
}
