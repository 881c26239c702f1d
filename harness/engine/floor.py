"""Fit a floor: a model without a gradient, judged like every other."""

from __future__ import annotations

from typing import Any

from harness.config import RunConfig
from harness.engine.outcome import Outcome, Stopwatch, identified, judged
from harness.registry import KINDS
from tasks.task import Splits, Task


def fit_floor(family: Any, task: Task, splits: Splits, *, config: RunConfig, watch: Stopwatch) -> Outcome:
    """The floor's outcome on the task."""
    kind = KINDS.load(task.kind)(splits.labels, config.training)
    with watch("train"):
        fitted = family.fit(splits.train, kind=task.kind, labels=splits.labels)
    with watch("validate"):
        outputs = fitted.outputs(splits.validation)
        calibration = kind.calibration(outputs, splits.validation)
        validation = kind.rows(outputs, splits.validation, calibration)
    with watch("test"):
        rows = kind.rows(fitted.outputs(splits.test), splits.test, calibration)
    lengths = [_words(example) for example in splits.test]
    return Outcome(
        rows=identified(rows, splits.test, lengths),
        scores={
            "validation": judged(validation, config.metrics, splits.labels),
            "test": judged(rows, config.metrics, splits.labels),
        },
        labels=splits.labels,
        save=fitted.save,
        calibration=calibration,
    )


def _words(example: Any) -> int:
    return sum(len(text.split()) for text in example.parts)
