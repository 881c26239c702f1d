"""Any number of labels per text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.data.fields import FieldError, label_index
from harness.data.labels import label_name, spelling_notes, twin_notes
from harness.data.sampled_columns import SampledColumn, named_like
from harness.data.task import Row, Splits, Task
from harness.metrics.labels import ACCURACY, MACRO_F1, MACRO_F1_WITH_NONE, MICRO_F1, MICRO_F1_WITH_NONE
from harness.metrics.metric import Floats
from harness.rare_label import RareLabel, rare_label
from harness.task_types.baseline import most_frequent
from harness.task_types.contract import Column
from harness.task_types.label_loss import LabelLoss
from harness.task_types.multi_label import errors
from harness.task_types.multi_label.label_sets import (
    SEPARATORS,
    indicated_places,
    items_of,
    names_of,
    separator_of,
)
from harness.task_types.probabilities import sigmoid, surprise, with_probabilities
from harness.task_types.texts import LABELS, Target, TextType
from harness.task_types.thresholds import Judged, ThresholdSettings, threshold_of

MOST_COLUMNS = 10_000
YES, NO = {"1", "true", "yes"}, {"0", "false", "no"}


class MultiLabel(TextType):
    """The task type."""

    name = "multi_label"
    columns: Mapping[str, Column] = {
        **TextType.columns,
        "label": Column(
            "The column of the labels; give it several times for a column of 0 and 1 per label.", most=MOST_COLUMNS
        ),
    }
    metrics = (ACCURACY, MACRO_F1, MICRO_F1, MACRO_F1_WITH_NONE, MICRO_F1_WITH_NONE)
    default_metrics = ("micro_f1", "macro_f1")
    prediction_columns = ("prediction", "probabilities")
    predict_settings = ThresholdSettings
    settings = LabelLoss
    unknown_target: Target = ()
    may_be_blank = ("label",)
    guess_rank = 2
    label_counts = staticmethod(errors.label_counts)
    counts_above = staticmethod(errors.counts_above)
    recorded_aspects = staticmethod(errors.recorded_aspects)
    forecasts = staticmethod(errors.forecasts)

    def guessed_labels(self, columns: Mapping[str, SampledColumn]) -> tuple[str, ...]:
        """Return the columns of zeros and ones if there are several and none is named like a label, else guess one."""
        binary = tuple(name for name, column in columns.items() if column.is_binary)
        called = next(named_like(columns, LABELS), None)
        return binary if len(binary) > 1 and called is None else super().guessed_labels(columns)

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept lists, names with a separator, or a column of zeros and ones for each label."""
        labels = columns["label"]
        if len(labels) > 1:
            return f"{len(labels):,} columns of 0 and 1" if all(column.is_binary for column in labels) else None
        if labels[0].is_list:
            return "lists of labels"
        if labels[0].has_decimal_commas:
            return None
        sets = [items_of(field, ()) or () for field in labels[0].fields]
        names = {label_name(item) for items in sets for item in items}
        several = any(len(items) > 1 for items in sets) and 2 * len(names) < len(sets)
        return f"several of {len(names):,} labels in a field" if several and not labels[0].numbers else None

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Return the labels of the task, the columns if there is one per label, or else those in the training rows."""
        columns = task.columns_of("label")
        if task.labels or len(columns) > 1:
            return task.labels or columns
        return names_of([row.get(columns[0]) for row in train])

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """Report how sets of labels are read from text."""
        yield from twin_notes(labels)
        columns = task.columns_of("label")
        if len(columns) > 1:
            return
        fields = [row.get(columns[0]) for row in rows]
        if indicated_places(fields):
            yield f"{columns[0]}: zeros and ones are read as one label per position, {labels[0]} to {labels[-1]}"
            return
        separator = separator_of(fields)
        if separator not in (None, SEPARATORS[0]):
            yield f"{columns[0]}: text is read as labels with {separator!r} between them"
        yield from spelling_notes(item for field in fields for item in items_of(field, labels) or ())

    def target_of(self, task: Task, row: Row, labels: tuple[str, ...]) -> Target:
        """Return the labels' indices; with a column per label, of those that are 1."""
        columns = task.columns_of("label")
        if len(columns) == 1:
            return self.target(task, row[columns[0]], labels)
        return tuple(place for place, column in enumerate(columns) if _has(row[column], column))

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """Return the labels' indices in order."""
        column, items = task.column("label"), items_of(field, labels)
        if items is None:
            raise FieldError(
                f"{column}: not a list of labels (got {field!r:.100}). Give a list, or text such as 'a|b'."
            )
        named = bool(task.labels)
        if named and len(labels) == 2 and list(items) in ([0, 1], [1, 0]):
            raise FieldError(
                f"{column}: {field!r} may stand for both labels, or for one of them alone, by its place. Give names, "
                f"as in {[labels[1]]!r}."
            )
        return tuple(sorted({label_index(item, column, labels, named=named) for item in items}))

    def label_problems(self, labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Report that no row has a label, or that all rows have the same ones."""
        different = {example.label_indices for example in splits.train}
        if not labels or different == {()}:
            yield "train: no row has a label. Give labelled rows."
        elif len(different) == 1:
            names = ", ".join(labels[index] for index in different.pop())
            yield f"train: every row has the same labels ({names:.100}). Give rows with other labels, too."

    def rare_label(self, splits: Splits) -> RareLabel | None:
        """Return the least frequent label, if it is rare among all labels."""
        counts = Counter(index for example in splits.train for index in example.label_indices)
        return rare_label(
            splits.labels,
            [counts[index] for index in range(len(splits.labels))],
            metrics=(MACRO_F1.name, MACRO_F1_WITH_NONE.name),
            counted="labels",
        )

    def wrongness(self, answer: Mapping[str, Any], labels: Sequence[str]) -> float:
        """Return the mean loss of the labels; without logits, the number of wrong labels."""
        right = {*answer["reference"]}
        if not answer.get("logits"):
            return float(len(right ^ {*answer["prediction"]}))
        chances = sigmoid(np.array(answer["logits"]))
        found = [chance if label in right else 1 - chance for label, chance in zip(labels, chances, strict=True)]
        return sum(surprise(float(chance)) for chance in found) / len(found)

    def recalibrated(
        self,
        answers: Sequence[dict[str, Any]],
        validated: Callable[[], Sequence[Mapping[str, Any]]],
        labels: Sequence[str],
        settings: ThresholdSettings,
    ) -> Sequence[dict[str, Any]]:
        """Return the answers with the requested threshold of all labels, in place of the recipe's."""
        if settings.threshold is None:
            return answers

        def judged() -> Judged:
            rows = validated()
            wanted = [[label in row["reference"] for label in labels] for row in rows]
            return np.concatenate([_chances(row) for row in rows]), np.array(wanted).ravel()

        threshold = threshold_of(settings, judged)
        return [
            {
                **one,
                "prediction": [label for label, said in zip(labels, _chances(one) > threshold, strict=True) if said],
            }
            for one in answers
        ]

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """Return the most frequent set of labels for each text."""
        return most_frequent([tuple(sorted(labels)) for labels in references])

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return whether all texts are predicted to have one set of labels."""
        return len({frozenset(labels) for labels in predictions.to_pylist()}) == 1

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """Return the labels, and the probability of each label."""
        return with_probabilities(answer, labels, sigmoid)


def _chances(answer: Mapping[str, Any]) -> Floats:
    return sigmoid(np.array(answer["logits"], dtype=np.float64))


def _has(field: object, column: str) -> bool:
    """Return whether the field is 1, so that the text has the label of the column."""
    said = (label_name(field) or "").casefold()
    if said not in YES | NO:
        raise FieldError(f"{column}: neither 0 nor 1 (got {field!r:.100}). Fix the field, or leave the column out.")
    return said in YES


task_type = MultiLabel()
