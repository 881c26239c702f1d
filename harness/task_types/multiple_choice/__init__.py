"""Multiple choice: one of several answers to a question is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.data.fields import FieldError, text_field
from harness.data.placed_rows import with_fields
from harness.data.rows import group_of
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Row, Task
from harness.errors import UserError
from harness.metrics.labels import ACCURACY
from harness.task_types.baseline import most_frequent
from harness.task_types.contract import Column, TaskType
from harness.task_types.multiple_choice import errors, guessing
from harness.task_types.multiple_choice.examples import ChoiceExample
from harness.task_types.multiple_choice.fields import Choices, choices_of
from harness.task_types.multiple_choice.right_choice import described, right_place, spelling
from harness.task_types.probabilities import softmax, surprise

MOST_COLUMNS = 100


class MultipleChoice(TaskType):
    """The task type."""

    name = "multiple_choice"
    columns: Mapping[str, Column] = {
        "text": Column("The column of the question; give it twice for a passage and a question.", most=2),
        "choices": Column(
            "The columns of the choices, comma-separated, or one column with lists of them (multiple choice).",
            most=MOST_COLUMNS,
        ),
        "label": Column("The column of the right choice: its letter, number or text."),
    }
    inputs = ("text", "choices")
    predict_options: Mapping[str, str] = {
        "text": "A text; give it twice for a pair.",
        "choices": "A choice; give the option once per choice.",
    }
    metrics = (ACCURACY,)
    default_metrics = (ACCURACY.name,)
    prediction_columns = ("prediction", "letter", "probabilities")
    labels_are_outputs = False
    inferred = True
    guess_rank = -1
    constant_answers = staticmethod(most_frequent)
    recorded_aspects = staticmethod(errors.recorded_aspects)
    read_aspects = staticmethod(errors.read_aspects)
    forecasts = staticmethod(errors.forecasts)

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Guess the columns of choices by their names, with a question and the right choice."""
        return guessing.columns_by_role(columns, named) if named.keys() <= self.columns.keys() else None

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Accept choices unless they are all numbers."""
        return "questions with choices" if guessing.are_choices(columns["choices"]) else None

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Return the names of the choices by place, from the task or else from the training rows.

        Raises:
            UserError: If it is unclear from the rows whether numbers count from 0 or from 1.
        """
        column = task.column("label")
        return task.labels or spelling(
            ((row.get(column), choices) for row, choices in self._readable(task, train)), column
        )

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """Report how the right choice is given, if that was detected, and how many questions have equal choices."""
        read = [choices for _, choices in self._readable(task, rows)]
        if not task.labels and not all(choices.names for choices in read):
            yield f"{task.column('label')}: the right choice is given {described(labels)}"
        equal = sum(len(set(choices.texts)) < len(choices.texts) for choices in read)
        if equal:
            those = f"{equal:,} questions have" if equal > 1 else "1 question has"
            yield f"{those} two choices that are the same: only the one that the label names is right"

    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> ChoiceExample:
        """Convert a row to an example."""
        choices, column = choices_of(row, task.columns_of("choices")), task.column("label")
        place = right_place(row[column], column, choices, labels)
        return ChoiceExample(identity, self._texts(task, row), choices.texts, place, group_of(task, row))

    def readings(self, task: Task, row: Row) -> Sequence[Sequence[str]]:
        """Return the question with each of its choices."""
        columns = task.columns_of("choices")
        try:
            choices: Sequence[str] = choices_of(row, columns).texts
        except (FieldError, KeyError):
            choices = [""] * max(len(task.labels), len(columns) if len(columns) > 1 else 0)
        question = [str(row.get(column, "")) for column in task.columns_of("text")]
        return [[*question, choice] for choice in choices]

    def unlabelled(self, task: Task, row: Row, identity: str) -> ChoiceExample:
        """Convert a row to a question for prediction."""
        return ChoiceExample(identity, self._texts(task, row), choices_of(row, task.columns_of("choices")).texts, 0)

    def answered(self, task: Task, row: Row) -> Row:
        """Put the question into the task's column, from columns that are named like one."""
        names = task.columns_of("text")
        found = guessing.questions(row) if names == ("text",) and names[0] not in row else ()
        return with_fields(row, {names[0]: [row[name] for name in found]}) if found else row

    def completed(self, task: Task, row: Row) -> Row:
        """Complete a row for prediction in the same way. It may have fewer choices than there are columns."""
        columns = task.columns_of("choices")
        lacking = [name for name in columns if name not in row] if columns[0] in row else []
        return with_fields(self.answered(task, row), dict.fromkeys(lacking))

    def row_from_options(self, task: Task, options: Mapping[str, Sequence[str]], where: str) -> dict[str, Any]:
        """Return the row of a question with any number of choices, up to the number of columns."""
        columns, given = task.columns_of("choices"), list(options.get("choices", ()))
        if len(columns) == 1 and given:
            return {**super().row_from_options(task, {**options, "choices": given[:1]}, where), columns[0]: given}
        if len(given) > len(columns):
            raise UserError(f"{where}: its task has {len(columns)} choices (got {len(given)}). Give as many, or fewer.")
        padded = given + [""] * (len(columns) - len(given)) if given else []
        return super().row_from_options(task, {**options, "choices": padded} if given else options, where)

    def predicted(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> dict[str, Any]:
        """Return the text of the chosen answer, its letter, and the probabilities of the choices in order."""
        chosen = answer["choices"][errors.place_of(answer["prediction"])]
        probabilities = [round(float(p), 4) for p in softmax(np.array(answer["logits"], dtype=np.float64))]
        return {"prediction": chosen, "letter": answer["prediction"], "probabilities": probabilities}

    def wrongness(self, answer: Mapping[str, Any], _labels: Sequence[str]) -> float:
        """Return the surprise at the right choice; 0 if it is the chosen one."""
        if answer["prediction"] == answer["reference"]:
            return 0.0
        probabilities = softmax(np.array(answer["logits"], dtype=np.float64))
        return surprise(float(probabilities[errors.place_of(answer["reference"])]))

    def pipeline_tag(self, _test_scores: Mapping[str, float]) -> str:
        """Return the Hub's pipeline tag."""
        return "multiple-choice"

    def _texts(self, task: Task, row: Row) -> tuple[str, ...]:
        return tuple(text_field(row, column) for column in task.columns_of("text"))

    def _readable(self, task: Task, rows: Sequence[Row]) -> Iterator[tuple[Row, Choices]]:
        """Yield the rows with readable choices, and these. The others are reported later, one by one."""
        columns = task.columns_of("choices")
        for row in rows:
            try:
                yield row, choices_of(row, columns)
            except (FieldError, KeyError):
                continue


task_type = MultipleChoice()
