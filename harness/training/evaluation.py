"""What a trained model is worth on the splits that it was not trained on: the same for every sort of model."""

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
    """What a model makes of a split.

    Attributes:
        outputs: What the task type's objective makes rows of predictions from.
        lengths: How long each example is, in the model's own unit: tokens, or words [examples].
    """

    outputs: Any
    lengths: Sequence[int]


@dataclass(frozen=True)
class Evaluated:
    """Scores and predictions of a trained model.

    Attributes:
        scores: Metrics by split.
        calibration: What the task type chose on validation, or by the training split.
        rows: One row per test example; none where the run is scored on validation alone.
        notes: What makes the scores doubtful.
    """

    scores: dict[str, dict[str, float]]
    calibration: dict[str, float]
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()


def evaluate(
    predict: Callable[[str], Predicted], objective: Objective, splits: Splits, *, config: RunConfig, watch: Stopwatch
) -> Evaluated:
    """The scores of a trained model, calibrated on validation.

    Args:
        predict: What the model makes of the split of a name.
        objective: The task type's.
        splits: The task's, their targets in the order of the model's labels.
        config: Names the metrics, and says whether the test split is scored.
        watch: Counts the time, as "validate" and "test".
    """
    calibration: dict[str, float] = {}
    scores: dict[str, dict[str, float]] = {}
    if splits.validation:  # There is none where a model is scored as it is on a test file alone.
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
    """The metrics of rows of predictions."""
    return scores(metrics, [row["reference"] for row in rows], [row["prediction"] for row in rows], labels)


def constant_notes(rows: Sequence[Row], split: str) -> tuple[str, ...]:
    """A sentence where a model predicts the same of all rows, whose references differ.

    Numbers are the same where they hardly vary beside the references.
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
    """The rows with their examples' id, group and length in front."""
    return [
        {"id": example.id, "group": example.group, "length": length, **row}
        for row, example, length in zip(rows, examples, lengths, strict=True)
    ]


def with_repeats(rows: Sequence[Row], splits: Splits, config: RunConfig) -> Sequence[Row]:
    """The rows, each with whether its example nearly repeats a training one, where the task keeps such examples."""
    if not splits.train or task_of(config).near_duplicates == "drop":
        return rows
    found = repeating(splits.train, splits.test)
    return [{**row, REPEATS_TRAINING: repeats} for row, repeats in zip(rows, found, strict=True)]
