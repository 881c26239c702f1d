"""The best trial, as a pure function of the records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.metrics.lookup import known_metrics
from harness.record import RunRecord

LARGEST = 1e100
"""Larger scores are rejected, because their squares overflow."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        number: The number of the trial.
        score: Its main metric on validation; None if it diverged, failed, or the score is not finite.
    """

    number: int
    score: float | None


def outcome_of(record: RunRecord) -> Outcome:
    """The outcome of the trial that was recorded."""
    assert record.trial is not None, "the record is a trial's"
    return Outcome(record.trial.number, validation_score(record))


def validation_score(record: RunRecord) -> float | None:
    """A run's main metric on validation, or its alternative for models that the main metric does not apply to."""
    main = record.task_card.main_metric
    metric, scores = known_metrics().get(main), record.scores.get("validation", {})
    found = [scores.get(name, math.nan) for name in (main, metric.alternative if metric else "")]
    known = [score for score in found if record.status == "complete" and abs(score) <= LARGEST]
    return known[0] if known else None


def best_of(outcomes: Sequence[Outcome], *, higher_is_better: bool) -> int:
    """The number of the best trial."""
    assert outcomes, "something was tried"
    return ranked(outcomes, higher_is_better=higher_is_better)[0]


def ranked(outcomes: Iterable[Outcome], *, higher_is_better: bool) -> list[int]:
    """The numbers of trials, best first, ties by number; those without a score come last."""
    sign = 1 if higher_is_better else -1

    def loss(outcome: Outcome) -> tuple[float, int]:
        return (math.inf if outcome.score is None else -sign * outcome.score, outcome.number)

    return [outcome.number for outcome in sorted(outcomes, key=loss)]
