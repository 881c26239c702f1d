"""One label per text, or per pair of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.data.fields import FieldError, label_index
from harness.data.labels import are_measured, is_list
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Row, Splits, Task
from harness.errors import UserError
from harness.metrics.labels import ACCURACY, F1, MACRO_F1, MATTHEWS, MICRO_F1
from harness.metrics.metric import Floats
from harness.rare_label import RareLabel, rare_label
from harness.task_types.analysed import Forecasts, LabelCounts
from harness.task_types.classification import errors
from harness.task_types.classification.decisions import by_threshold, check_two
from harness.task_types.classification.temperature import PredictSettings, cooled, temperature_on
from harness.task_types.constants import most_frequent
from harness.task_types.label_loss import LabelLoss
from harness.task_types.probabilities import softmax, surprise, with_probabilities
from harness.task_types.texts import Target, TextType
from harness.task_types.thresholds import VALIDATION


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

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """One label of a few; of one class, which can't be learnt, it is told when the rows are read."""
        (column, *others) = columns["label"]
        count = len(column.values)
        return None if others or not count else f"{count:,} class{'' if count == 1 else 'es'}"

    def label_fields(self, task: Task, row: Row) -> Iterator[object]:
        """The one label."""
        yield row.get(task.column("label"))

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Those of the task, or else those of the training rows.

        Raises:
            UserError: They are numbers, or lists, of which another task type makes sense.
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

    def target(self, task: Task, field: object, labels: tuple[str, ...]) -> Target:
        """The label's index."""
        column = task.column("label")
        if is_list(field):
            raise FieldError(f"{column}: {_a_list(field)}")
        return label_index(field, column, labels, named=bool(task.labels))

    def label_problems(self, labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """No label at all, all rows of one class, or a class that training never shows."""
        if not labels:
            yield "train: no row has a label. Give labelled rows."
            return
        trained = {example.target for example in splits.train}
        if len(trained) == 1:
            yield f"train: every row has the label {labels[trained.pop()]!r}. Give at least two classes."
            return
        for split, examples in (("validation", splits.validation), ("test", splits.test)):
            for target in sorted({example.target for example in examples} - trained):
                yield f"{split}: label {labels[target]!r} never occurs in train. Add some, or leave it out."

    def rare_label(self, splits: Splits) -> RareLabel | None:
        """The rarest one, where it is rare."""
        counts = Counter(example.target for example in splits.train)
        return rare_label(
            splits.labels,
            [counts[index] for index in range(len(splits.labels))],
            metrics=(MACRO_F1.name, F1.name, MATTHEWS.name),
        )

    def wrongness(self, answer: Mapping[str, Any], labels: Sequence[str]) -> float:
        """The loss of the label; of a prediction without logits whether it is another one."""
        if not answer.get("logits"):
            return super().wrongness(answer, labels)
        return surprise(float(softmax(np.array(answer["logits"]))[list(labels).index(answer["reference"])]))

    def label_counts(self, table: Any, labels: Sequence[str]) -> LabelCounts:
        """Which texts have each label."""
        return errors.label_counts(table, labels)

    def confusions(self, table: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
        """How often each label is taken for which."""
        return errors.confusions(table, labels)

    def counts_above(self, table: Any, labels: Sequence[str], threshold: float) -> LabelCounts | None:
        """Of two labels the second one, where its probability is above the threshold."""
        return errors.counts_above(table, labels, threshold)

    def forecasts(self, table: Any, labels: Sequence[str]) -> Forecasts | None:
        """How probable each predicted label was held."""
        return errors.forecasts(table, labels)

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any]:
        """The most frequent label for each text."""
        return most_frequent(references)

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Whether all texts have one label."""
        del references
        return len(predictions.unique()) == 1

    def recalibrated(
        self,
        answers: Sequence[dict[str, Any]],
        validated: Callable[[], Sequence[Mapping[str, Any]]],
        labels: Sequence[str],
        settings: PredictSettings,
    ) -> Sequence[dict[str, Any]]:
        """The answers at the temperature, and by the threshold, that are asked for."""
        if settings.threshold is not None:
            check_two(labels)
        temperature = settings.temperature
        if temperature is not None:
            temperature = temperature_on(validated(), labels) if temperature == VALIDATION else float(temperature)
            answers = cooled(answers, temperature)
        if settings.threshold is None:
            return answers
        known = (lambda: validated()) if temperature is None else (lambda: cooled(validated(), temperature))
        return by_threshold(answers, known, labels, settings)

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """The label, and the probability of each."""
        return with_probabilities(answer, labels, softmax)


def _a_list(field: object) -> str:
    return f"a list, not one label (got {field!r}). Did you mean --task-type multi_label?"


task_type = Classification()
