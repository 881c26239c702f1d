"""Fit a simple baseline: a model without a gradient, scored like every other."""

from __future__ import annotations

from typing import Any

from harness.config.run import RunConfig
from harness.data.task import Splits, Task
from harness.training.result import Outcome, Stopwatch, identified, judged


def fit_baseline(family: Any, task: Task, splits: Splits, *, config: RunConfig, watch: Stopwatch) -> Outcome:
    """The baseline's result on the task."""
    objective = task.type.objective(splits.labels, config.training)
    with watch("train"):
        fitted = family.fit(splits.train, task_type=task.task_type, labels=splits.labels)
    with watch("validate"):
        outputs = fitted.outputs(splits.validation)
        calibration = objective.calibration(outputs, splits.validation)
        validation = objective.rows(outputs, splits.validation, calibration)
    with watch("test"):
        rows = objective.rows(fitted.outputs(splits.test), splits.test, calibration)
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
