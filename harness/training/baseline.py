"""Fit and evaluate simple baselines, which are trained without gradients."""

from __future__ import annotations

from typing import Any

from harness.config.run import RunConfig
from harness.data.task import Splits, Task
from harness.record import Measurements
from harness.registry import baseline_settings
from harness.training.evaluation import Predicted, evaluate
from harness.training.result import Stopwatch, TrainingResult


def fit_baseline(
    family: Any, task: Task, splits: Splits, *, config: RunConfig, watch: Stopwatch, known: Measurements
) -> TrainingResult:
    """Fit and evaluate a baseline."""
    with watch("train"):
        settings = {name: getattr(config.training, name) for name in baseline_settings(config.model.family or "")}
        fitted = family.fit(splits.train, task_type=task.task_type, labels=splits.labels, **settings)

    def predict(split: str) -> Predicted:
        examples = getattr(splits, split)
        return Predicted(fitted.outputs(examples), [_words(example) for example in examples])

    objective = task.type.objective(splits.labels, config.training)
    found = evaluate(predict, objective, splits, config=config, watch=watch)
    notes = (*known.notes, *getattr(fitted, "notes", ()))
    measurements = known.model_copy(update={"scores": found.scores, "calibration": found.calibration, "notes": notes})
    return TrainingResult(measurements, splits.labels, found.rows, fitted.save)


def _words(example: Any) -> int:
    return sum(len(text.split()) for text in example.parts)
