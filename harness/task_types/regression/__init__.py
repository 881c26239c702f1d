"""Regression: one number per text, or per pair of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from harness.data.decimal_commas import has_decimal_commas, with_point
from harness.data.fields import MOST, number_field
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Decimal, Row, Splits, Task
from harness.metrics.columns import numbers
from harness.task_types.regression.metrics import MEAN_SQUARED_ERROR, PEARSON, SPEARMAN
from harness.task_types.texts import Target, TextType

COMMA: Decimal = "comma"
MOST_CLASSES = 20
"""Columns with more distinct numbers are taken for measurements, unless the user says otherwise."""
LEAST_SPREAD = 1 / MOST
LEAST_SHARE = 1e-6
"""Numbers that differ by a smaller fraction of the largest are nearly the same in 32 bits, which have 24 for digits."""
CONSTANT_SPREAD = 0.01
"""As a fraction of the references' standard deviation. Numbers that differ less are considered constant."""


class Regression(TextType):
    """The task type."""

    name = "regression"
    metrics = (PEARSON, SPEARMAN, MEAN_SQUARED_ERROR)
    default_metrics = ("pearson", "spearman", "mean_squared_error")
    unknown_target: Target = 0.0
    labels_are_outputs = False
    guess_rank = 3

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept more than twenty distinct numbers, or more than two if some have decimals."""
        (column, *others) = columns["label"]
        if column.has_decimal_commas and not others:
            return "numbers with a decimal comma"
        different = {*column.numbers}
        measured = len(different) > MOST_CLASSES or (len(different) > 2 and not all(map(float.is_integer, different)))
        return None if others or not measured else f"{len(different):,} different numbers"

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Return ("comma",) if numbers have a decimal comma, by the task or else in all training rows; otherwise ()."""
        fields = (row.get(task.column("label")) for row in train)
        has_commas = has_decimal_commas(fields) if task.decimal is None else task.decimal == COMMA
        return (COMMA,) if has_commas else ()

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """Report that commas are read as decimal commas, with an example."""
        column = task.column("label")
        fields = (row.get(column) for row in rows)
        found = next((field for field in fields if isinstance(field, str) and with_point(field) != field), None)
        if labels and found is not None:
            yield f"{column}: numbers are read with a decimal comma, such as {found!r} as {with_point(found)}"

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """Return the number."""
        return number_field(field, task.column("label"), decimal=COMMA if labels else "point")

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return the absolute error."""
        return abs(float(answer["prediction"]) - float(answer["reference"]))

    def label_problems(self, _labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Report numbers that are all the same, or too close together for 32-bit weights."""
        least, most = (end(example.target for example in splits.train) for end in (min, max))
        if least == most:
            yield f"train: every row has the number {most:g}. Give at least two numbers."
        elif most - least < LEAST_SPREAD:
            yield f"train: its numbers lie within {most - least:g}. Give them in smaller units."
        elif most - least < LEAST_SHARE * max(abs(least), abs(most)):
            yield (
                f"train: its numbers lie within {most - least:g} around {most:.10g}, too close for a model's 32-bit "
                f"weights. Subtract {least:.10g} from them."
            )

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """Return the mean for each text."""
        return [fmean(references)] * len(references)

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return whether the predictions hardly differ, compared with the references."""
        spreads = [float(np.std(numbers(column))) for column in (references, predictions)]
        return spreads[1] <= CONSTANT_SPREAD * spreads[0]


task_type = Regression()
