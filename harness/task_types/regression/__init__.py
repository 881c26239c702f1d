"""Regression: one number per text, or per pair of texts."""

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
"""Columns with more distinct numbers are taken for measurements, unless the user says otherwise."""
LEAST_SPREAD = 1 / MOST
CONSTANT_SPREAD = 0.01
"""As a fraction of the references' standard deviation. Numbers that differ less are considered constant."""


class Regression(TextType):
    """The task type."""

    name = "regression"
    metrics = (PEARSON, SPEARMAN, MEAN_SQUARED_ERROR)
    default_metrics = ("pearson", "spearman", "mean_squared_error")
    unknown_target: Target = 0.0
    guess_rank = 3

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept more than twenty distinct numbers, or more than two if some have decimals."""
        (column, *others) = columns["label"]
        if column.has_decimal_commas and not others:
            return "numbers with a decimal comma"  # Refused when the rows are read, with what to write instead.
        different = {*column.numbers}
        measured = len(different) > MOST_CLASSES or (len(different) > 2 and not all(map(float.is_integer, different)))
        return None if others or not measured else f"{len(different):,} different numbers"

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """Return the number."""
        del labels
        return number_field(field, task.column("label"))

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return the absolute error."""
        return abs(float(answer["prediction"]) - float(answer["reference"]))

    def label_problems(self, _labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Report numbers that are too close together for 32-bit weights."""
        numbers = [example.target for example in splits.train]
        spread = max(numbers) - min(numbers)
        if 0 < spread < LEAST_SPREAD:
            yield f"train: its numbers lie within {spread:g}. Give them in smaller units."

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """Return the mean for each text."""
        return [fmean(references)] * len(references)

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return whether the predictions hardly differ, compared with the references."""
        spreads = [float(np.std(numbers(column))) for column in (references, predictions)]
        return spreads[1] <= CONSTANT_SPREAD * spreads[0]


task_type = Regression()
