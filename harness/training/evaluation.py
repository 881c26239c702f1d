"""Evaluate trained models of any kind on validation and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.config.run import RunConfig, task_of
from harness.data.splitting import REPEATS_TRAINING, repeating
from harness.data.task import Splits
from harness.metrics.lookup import scores
from harness.task_types.objective import Objective
from harness.training.result import Row, Stopwatch

NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class Predicted:
    """Predictions of a model on a split.

    Attributes:
        outputs: The outputs from which the objective makes rows of predictions.
        lengths: Length of each example in the model's own unit, tokens or words [examples].
    """

    outputs: Any
    lengths: Sequence[int]


@dataclass(frozen=True)
class Evaluated:
    """Scores and predictions of a trained model.

    Attributes:
        scores: Metrics by split.
        calibration: Values that the task type chose on the validation or training split.
        rows: One row per test example; empty if only validation is scored.
        notes: Reasons to doubt the scores.
    """

    scores: dict[str, dict[str, float]]
    calibration: dict[str, float]
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()


def evaluate(
    predict: Callable[[str], Predicted], objective: Objective, splits: Splits, *, config: RunConfig, watch: Stopwatch
) -> Evaluated:
    """Score a trained model, calibrated on validation.

    Args:
        predict: Returns the model's predictions on a split, given its name.
        objective: The objective of the task type.
        splits: The splits of the task, with targets in the order of the model's labels.
        config: The configuration, with the metrics and whether the test split is scored.
        watch: Measures the time, as "validate" and "test".
    """
    calibration: dict[str, float] = {}
    scores: dict[str, dict[str, float]] = {}
    if splits.validation:  # Empty if an existing model is scored on a test file only.
        with watch("validate"):
            validation = predict("validation")
        calibration = objective.calibration(validation.outputs, splits.validation)
        validated = objective.rows(validation.outputs, splits.validation, calibration)
        scores["validation"] = scored(validated, config.metrics, splits.labels)
    if config.evaluate == "validation":
        return Evaluated(scores, calibration, (), constant_notes(validated, "validation"))
    with watch("test"):
        test = predict("test")
    rows = objective.rows(test.outputs, splits.test, calibration)
    scores["test"] = scored(rows, config.metrics, splits.labels)
    told = with_repeats(with_identity(rows, splits.test, test.lengths), splits, config)
    return Evaluated(scores, calibration, told, constant_notes(rows, "test"))


def scored(rows: Sequence[Row], metrics: Sequence[str], labels: tuple[str, ...]) -> dict[str, float]:
    """Compute metrics from rows of predictions."""
    return scores(metrics, [row["reference"] for row in rows], [row["prediction"] for row in rows], labels)


def constant_notes(rows: Sequence[Row], split: str) -> tuple[str, ...]:
    """Return a note if all predictions are equal although the references differ.

    Numbers count as equal if their variation is negligible compared with that of the references.
    """
    references, predictions = [row["reference"] for row in rows], [row["prediction"] for row in rows]
    if all(reference == references[0] for reference in references):
        return ()
    if all(isinstance(value, float) for value in (*references, *predictions)):
        constant = bool(np.std(predictions) <= NEGLIGIBLE * np.std(references))
        said = f"{np.mean(predictions):g}"
    else:
        constant = all(prediction == predictions[0] for prediction in predictions)
        said = f"{predictions[0]!r:.80}"
    return (
        (f"every {split} row gets the same prediction ({said}): the model can't tell texts apart",) if constant else ()
    )


def with_identity(rows: Sequence[Row], examples: Sequence[Any], lengths: Sequence[int]) -> list[Row]:
    """Return the rows, with id, group and length of their examples first."""
    return [
        {"id": example.id, "group": example.group, "length": length, **row}
        for row, example, length in zip(rows, examples, lengths, strict=True)
    ]


def with_repeats(rows: Sequence[Row], splits: Splits, config: RunConfig) -> Sequence[Row]:
    """Mark rows whose example nearly repeats a training example, if the task keeps such examples."""
    if not splits.train or task_of(config).near_duplicates == "drop":
        return rows
    found = repeating(splits.train, splits.test)
    return [{**row, REPEATS_TRAINING: repeats} for row, repeats in zip(rows, found, strict=True)]
