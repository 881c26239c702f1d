"""A number per text, or per pair of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from harness.data.fields import MOST, number_field
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Splits, Task
from harness.metrics.columns import numbers
from harness.task_types.regression.metrics import MEAN_SQUARED_ERROR, PEARSON, SPEARMAN
from harness.task_types.texts import Target, TextType

MOST_CLASSES = 20
"""Columns of more different numbers than these are taken for measured ones, where the user doesn't say."""
LEAST_SPREAD = 1 / MOST
CONSTANT_SPREAD = 0.01
"""Of the references' deviation: numbers that differ less are one number, in a model's arithmetic."""


class Regression(TextType):
    """The task type."""

    name = "regression"
    metrics = (PEARSON, SPEARMAN, MEAN_SQUARED_ERROR)
    default_metrics = ("pearson", "spearman", "mean_squared_error")
    unknown_target: Target = 0.0
    guess_rank = 3

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Numbers, more than twenty different ones, or some with decimals."""
        (column, *others) = columns["label"]
        different = {*column.numbers}
        measured = len(different) > MOST_CLASSES or (len(different) > 2 and not all(map(float.is_integer, different)))
        return None if others or not measured else f"{len(different):,} different numbers"

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """The number."""
        del labels
        return number_field(field, task.column("label"))

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """How far off it is."""
        return abs(float(answer["prediction"]) - float(answer["reference"]))

    def label_problems(self, _labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Numbers that are too close together for weights of 32 bits."""
        numbers = [example.target for example in splits.train]
        spread = max(numbers) - min(numbers)
        if 0 < spread < LEAST_SPREAD:
            yield f"train: its numbers lie within {spread:g}. Give them in smaller units."

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """The mean for each text."""
        return [fmean(references)] * len(references)

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Whether the numbers hardly differ, beside those of the references."""
        spreads = [float(np.std(numbers(column))) for column in (references, predictions)]
        return spreads[1] <= CONSTANT_SPREAD * spreads[0]


task_type = Regression()
