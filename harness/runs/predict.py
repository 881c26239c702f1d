"""Predict new texts with a trained model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.config.checking import Strict, valid
from harness.config.run import RunConfig, task_of
from harness.data.fields import FieldError
from harness.data.files import STANDARD_INPUT, read_rows, read_standard_input
from harness.data.placed_rows import column_problem, refuse
from harness.data.splits import relabelled
from harness.data.task import Row, Task
from harness.errors import UserError
from harness.record import RunRecord
from harness.runs.answering import ReadyModel, ready_model
from harness.runs.exported import recorded
from harness.runs.run_splits import read_splits


def rows_to_read(
    run: Path,
    options: Mapping[str, Sequence[str]],
    *,
    file: Path | None,
    separator: str | None = None,
    encoding: str | None = None,
) -> list[Row]:
    """Read the rows given on the command line, in the columns of the run's task.

    Args:
        run: The folder of one run.
        options: The given texts by option, such as {"text": ["a joy"]}.
        file: The file given instead; "-" is standard input.
        separator: The field separator of the file, if it should not be guessed.
        encoding: The encoding of the file, if it should not be guessed.

    Raises:
        UserError: If they don't fit the task, or the file can't be read.
    """
    task = task_of(recorded(run)[1])
    given = {name: values for name, values in options.items() if values}
    if file is None:
        return [task.type.row_from_options(task, given, str(run))]
    if given:
        raise UserError(f"harness predict: --input can't be used with {' and '.join(f'--{name}' for name in given)}.")
    if str(file) == STANDARD_INPUT:
        return list(read_standard_input(encoding=encoding))
    return list(read_rows(file, separator=separator, encoding=encoding))


def predict_rows(run: Path, rows: Sequence[Row], settings: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Add to each row its prediction and the model's confidence.

    Args:
        run: The folder of one run, or of an export.
        rows: Rows in the columns of its task.
        settings: Prediction options, of the task type's `predict_settings`; those that are None are ignored.

    Raises:
        UserError: If the run has no checkpoint or is of another version, a row lacks a column or has one with a
            reserved name, or the task type does not know an option.
    """
    return predictor(run, settings).predict(rows)


@dataclass(frozen=True)
class Predictor:
    """A finished run that predicts any number of times; the model is loaded for the first rows.

    Attributes:
        run: The folder of one run, or of an export.
        record: The record.
        config: The configuration.
        task: The task.
        settings: The prediction options.
    """

    run: Path
    record: RunRecord
    config: RunConfig
    task: Task
    settings: Strict

    @cached_property
    def model(self) -> ReadyModel:
        """The model."""
        return ready_model(self.run, self.record, self.config, self.settings)

    def predict(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Add to each row its prediction.

        Raises:
            UserError: If the run has no checkpoint, or for every mistake in the rows.
        """
        task, labels = self.task, self.record.task_card.labels
        given, rows = rows, [task.completed(row) for row in rows]
        examples = examples_of(task, rows)
        _check_names(task.type.written_columns(labels), rows)
        task.type.check_files(self.settings, rows)
        found = self.model.answer(examples)
        answers = task.type.recalibrated(found, lambda: self._validated, labels, self.settings)
        task.type.write_files(self.settings, rows, answers)
        shown = [_without(row, task.inner_fields(one)) for row, one in zip(rows, given, strict=True)]
        return [{**row, **task.type.predicted(found, labels)} for row, found in zip(shown, answers, strict=True)]

    @cached_property
    def _validated(self) -> list[dict[str, Any]]:
        """The model's answers to the validation examples of its task."""
        splits = read_splits(self.config, test=self.config.evaluate == "test")
        return self.model.answer(relabelled(splits, self.record.task_card.labels).validation)


def predictor(run: Path, settings: Mapping[str, Any] | None = None) -> Predictor:
    """Prepare the run or export in a folder for predictions.

    Raises:
        UserError: If there is none, it is of another version, or the task type does not know an option.
    """
    record, config = recorded(run)
    task = task_of(config)
    return Predictor(run, record, config, task, settings_of(task.type.predict_settings, settings or {}, run, task))


def settings_of(known: type[Strict], given: Mapping[str, Any], run: Path, task: Task) -> Strict:
    """Validate the options of a command.

    Args:
        known: The options that the task type knows.
        given: The given options by name; those that are None are ignored.
        run: The run, for messages.
        task: The task, for messages.

    Raises:
        UserError: For every mistake in them.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    return valid(known, wanted, f"{run} ({task.task_type}): ")


def examples_of(task: Task, rows: Sequence[Row]) -> list[Any]:
    """Convert rows to examples, as for training.

    Raises:
        UserError: For every mistake in them.
    """
    _check_columns(task.input_columns, rows)
    mistakes: list[str] = []
    examples = []
    for number, row in enumerate(rows, start=1):
        try:
            examples.append(task.type.unlabelled(task, row, str(number - 1)))
        except FieldError as error:
            mistakes.append(f"{_place(row, number)}: {error}")
    refuse(mistakes)
    return examples


def _check_columns(columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Check that every row has all columns; only the first that does not is reported, as others often lack the same."""
    for number, row in enumerate(rows, start=1):
        missing = [column for column in columns if column not in row]
        if missing:
            raise UserError(*(f"{_place(row, number)}: {column_problem(row, name)}" for name in missing))


def _check_names(written: Sequence[str], rows: Sequence[Row]) -> None:
    """Reject columns that the prediction would overwrite, before time is spent on it."""
    clashes = [name for name in written if any(name in row for row in rows)]
    if clashes:
        raise UserError(f"column {', '.join(clashes)}: the prediction goes by this name. Rename the column.")


def _place(row: Row, number: int) -> str:
    return getattr(row, "place", "") or f"row {number}"


def _without(row: Row, columns: Collection[str]) -> Row:
    return {name: field for name, field in row.items() if name not in columns}
