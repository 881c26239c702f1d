"""Any number of labels per text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.data.fields import FieldError, label_index
from harness.data.labels import several, sorted_names
from harness.data.task import Row, Splits, Task
from harness.metrics.labels import ACCURACY, MACRO_F1, MACRO_F1_WITH_NONE, MICRO_F1, MICRO_F1_WITH_NONE
from harness.task_types.probabilities import sigmoid, with_probabilities
from harness.task_types.texts import Target, TextType


class MultiLabel(TextType):
    """The task type."""

    name = "multi_label"
    metrics = (ACCURACY, MACRO_F1, MICRO_F1, MACRO_F1_WITH_NONE, MICRO_F1_WITH_NONE)
    default_metrics = ("micro_f1", "macro_f1")
    prediction_columns = ("prediction", "probabilities")
    unknown_target: Target = ()

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Those of the task, or else those of the training rows."""
        return task.labels or sorted_names(label for row in train for label in several(row[task.column("label")]) or ())

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """The labels' indices, in their order."""
        column, items = task.column("label"), several(field)
        if items is None:
            raise FieldError(f"{column}: not a list of labels (got {field!r}). Give a list, or text such as 'a|b'.")
        named = bool(task.labels)
        return tuple(sorted({label_index(item, column, labels, named=named) for item in items}))

    def label_problems(self, labels: tuple[str, ...], _splits: Splits) -> Iterator[str]:
        """No label at all."""
        if not labels:
            yield "train: no row has a label. Give labelled rows."

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """The labels, and the probability of each."""
        return with_probabilities(answer, labels, sigmoid)


task_type = MultiLabel()
