"""One label per text, or per pair of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.data.fields import FieldError, label_index
from harness.data.label_typos import typo_notes
from harness.data.labels import are_measured, is_list, is_number
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Row, Splits, Task
from harness.errors import UserError
from harness.metrics.labels import ACCURACY, F1, MACRO_F1, MATTHEWS, MICRO_F1
from harness.rare_label import RareLabel, rare_label
from harness.task_types.baseline import most_frequent
from harness.task_types.classification import errors
from harness.task_types.classification.decisions import by_threshold, check_two
from harness.task_types.classification.temperature import PredictSettings, cooled, temperature_on
from harness.task_types.contract import untaught_labels
from harness.task_types.label_loss import LabelLoss
from harness.task_types.probabilities import softmax, surprise, with_probabilities
from harness.task_types.texts import Target, TextType
from harness.task_types.thresholds import VALIDATION

MOST_GRADES = 10
LEAST_TEXTS = 20
"""Number of rows from which on texts that are all different are no labels for a guess."""


class Classification(TextType):
    """The task type."""

    name = "classification"
    metrics = (ACCURACY, MACRO_F1, MICRO_F1, F1, MATTHEWS)
    default_metrics = ("accuracy", "macro_f1")
    prediction_columns = ("prediction", "probabilities")
    predict_settings = PredictSettings
    settings = LabelLoss
    unused_settings = ("thresholds",)
    guess_rank = 4
    constant_answers = staticmethod(most_frequent)
    label_counts = staticmethod(errors.label_counts)
    confusions = staticmethod(errors.confusions)
    counts_above = staticmethod(errors.counts_above)
    forecasts = staticmethod(errors.forecasts)

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept one label per text, from a few. A single class is refused when the rows are read."""
        (column, *others) = columns["label"]
        count = len(column.values)
        are_texts = count == len(column.fields) >= LEAST_TEXTS and column.mean_length > 0 and not column.numbers
        return None if others or not count or are_texts else f"{count:,} class{'' if count == 1 else 'es'}"

    def label_fields(self, task: Task, row: Row) -> Iterator[object]:
        """Yield the one label."""
        yield row.get(task.column("label"))

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Return the labels of the task, or else those of the training rows.

        Raises:
            UserError: If they are numbers or lists, which belong to another task type.
        """
        column = task.column("label")
        fields = [row.get(column) for row in train]
        lists = [field for field in fields if is_list(field)]
        if 2 * len(lists) > len(fields):
            raise UserError(f"train: {column}: {_a_list(lists[0])}")
        labels = super().label_names(task, train)
        if not task.labels and are_measured(fields):
            raise UserError(
                f"train: {column}: {len(labels)} different numbers in {len(train)} rows, such as {labels[0]}. "
                "Numbers: did you mean --task-type regression?"
            )
        return labels

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """Report how labels are read, which may be typing errors, and if they may be amounts.

        More than ten numbers, some with decimals, may be amounts.
        """
        yield from super().label_notes(task, rows, labels)
        if not task.labels:
            yield from typo_notes(field for row in rows for field in self.label_fields(task, row))
        numbers = [float(name) for name in labels if is_number(name)]
        if len(labels) == len(numbers) > MOST_GRADES and not all(map(float.is_integer, numbers)):
            yield (
                f"the labels are {len(labels)} different numbers, read as classes: --task-type regression reads them "
                "as amounts"
            )

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """Return the label's index."""
        column = task.column("label")
        if is_list(field):
            raise FieldError(f"{column}: {_a_list(field)}")
        return label_index(field, column, labels, named=bool(task.labels))

    def label_problems(self, labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Report labels that cannot be learnt."""
        return untaught_labels(labels, splits, unit="row", noun="label")

    def rare_label(self, splits: Splits) -> RareLabel | None:
        """Return the least frequent label, if it is rare."""
        counts = Counter(example.target for example in splits.train)
        return rare_label(
            splits.labels,
            [counts[index] for index in range(len(splits.labels))],
            metrics=(MACRO_F1.name, F1.name, MATTHEWS.name),
        )

    def wrongness(self, answer: Mapping[str, Any], labels: Sequence[str]) -> float:
        """Return the loss of the label; without logits, whether the prediction is wrong."""
        if not answer.get("logits"):
            return super().wrongness(answer, labels)
        return surprise(float(softmax(np.array(answer["logits"]))[list(labels).index(answer["reference"])]))

    def recalibrated(
        self,
        answers: Sequence[dict[str, Any]],
        validated: Callable[[], Sequence[Mapping[str, Any]]],
        labels: Sequence[str],
        settings: PredictSettings,
    ) -> Sequence[dict[str, Any]]:
        """Return the answers with the requested temperature and threshold."""
        if settings.threshold is not None:
            check_two(labels)
        temperature = settings.temperature
        if temperature is not None:
            temperature = temperature_on(validated(), labels) if temperature == VALIDATION else float(temperature)
            answers = cooled(answers, temperature)
        if settings.threshold is None:
            return answers
        known = validated if temperature is None else (lambda: cooled(validated(), temperature))
        return by_threshold(answers, known, labels, settings)

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """Return the label and the probability of each label."""
        return with_probabilities(answer, labels, softmax)


def _a_list(field: object) -> str:
    return f"a list, not one label (got {field!r:.100}). Did you mean --task-type multi_label?"


task_type = Classification()
