"""Use a trained model on new text."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.atomic_writes import write_atomically
from harness.config.checking import Strict, checked
from harness.config.run import RunConfig, task_of
from harness.data.fields import FieldError
from harness.data.files import read_rows
from harness.data.placed_rows import column_problem, refuse
from harness.data.splits import relabelled
from harness.data.task import Row, Task
from harness.errors import UserError
from harness.printable import printable_json
from harness.record import RunRecord, read_record
from harness.records import record_file
from harness.runs.answering import ReadyModel, ready_model
from harness.runs.exported import EXPORT, is_export, read_export
from harness.runs.identity import recorded_config
from harness.runs.mistakes import read_splits


def rows_to_read(
    run: Path,
    options: Mapping[str, Sequence[str]],
    *,
    file: Path | None,
    separator: str | None = None,
    encoding: str | None = None,
) -> list[Row]:
    """The rows that the command line gives, in the columns of the run's task.

    Args:
        run: The folder of one run.
        options: The texts that are given, by option: {"text": ["a joy"]}.
        file: The file that is given instead.
        separator: Of the file's fields, where it isn't to be guessed.
        encoding: Of the file, where it isn't to be guessed.

    Raises:
        UserError: They don't fit the task, or the file can't be read.
    """
    task = task_of(recorded(run)[1])
    given = {name: values for name, values in options.items() if values}
    if file is None:
        return [task.type.row_from_options(task, given, str(run))]
    if given:
        raise UserError(f"harness predict: --input can't be used with {' and '.join(f'--{name}' for name in given)}.")
    return list(read_rows(file, separator=separator, encoding=encoding))


def predict_rows(run: Path, rows: Sequence[Row], settings: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Each row with its prediction, and how sure the model is.

    Args:
        run: The folder of one run, or of an export.
        rows: In the columns of its task.
        settings: What else is asked for, by the names of the task type's `predict_settings`; those that are None are
            not.

    Raises:
        UserError: The run has no checkpoint, or is of another version; a row lacks a column, or has one of ours; the
            task type knows no such setting.
    """
    return predictor(run, settings).predict(rows)


@dataclass(frozen=True)
class Predictor:
    """A finished run that predicts rows as often as it is asked; the model is loaded when the first rows are read.

    Attributes:
        run: The folder of one run, or of an export.
        record: Its record.
        config: Its configuration.
        task: Its task.
        settings: What else is asked for.
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
        """Each row with its prediction.

        Raises:
            UserError: The run has no checkpoint; or every mistake in the rows.
        """
        task, labels = self.task, self.record.task_card.labels
        rows = [task.type.completed(task, row) for row in rows]
        examples = examples_of(task, rows)
        _check_names(task.type.written_columns(labels), rows)
        task.type.check_files(self.settings, rows)
        found = self.model.answer(examples)
        answers = task.type.recalibrated(found, lambda: self._validated, labels, self.settings)
        task.type.write_files(self.settings, rows, answers)
        return [{**row, **task.type.predicted(found, labels)} for row, found in zip(rows, answers, strict=True)]

    @cached_property
    def _validated(self) -> list[dict[str, Any]]:
        """What the model makes of its task's validation examples."""
        splits = read_splits(self.config, test=self.config.evaluate == "test")
        return self.model.answer(relabelled(splits, self.record.task_card.labels).validation)


def predictor(run: Path, settings: Mapping[str, Any] | None = None) -> Predictor:
    """The run, or export, in a folder, ready to predict.

    Raises:
        UserError: There is none, or it is of another version; the task type knows no such setting.
    """
    record, config = recorded(run)
    task = task_of(config)
    return Predictor(run, record, config, task, settings_of(task.type.predict_settings, settings or {}, run, task))


def settings_of(known: type[Strict], given: Mapping[str, Any], run: Path, task: Task) -> Strict:
    """What a command is asked for beside its rows.

    Args:
        known: What the task type knows.
        given: By name; those that are None are not.
        run: For messages.
        task: Likewise.

    Raises:
        UserError: Every mistake in it.
    """
    mistakes: list[str] = []
    wanted = {name: value for name, value in given.items() if value is not None}
    chosen: Strict | None = checked(known, wanted, f"{run} ({task.task_type}): ", mistakes)
    if chosen is None:
        raise UserError(*mistakes)
    return chosen


def answer(
    run: Path, record: RunRecord, config: RunConfig, *, examples: Sequence[Any], settings: Strict | None = None
) -> list[dict[str, Any]]:
    """What the run's checkpoint makes of examples: one row each, as in predictions.parquet.

    Args:
        run: Its folder, or that of an export.
        record: Its record.
        config: Its configuration.
        examples: In the form of its task type.
        settings: What is asked for beside predictions, by the task type's `predict_settings`.

    Raises:
        UserError: The run has no checkpoint, or it is not the one that was recorded.
    """
    return ready_model(run, record, config, settings).answer(examples)


def write_rows(rows: Sequence[Mapping[str, Any]], output: Path | None) -> None:
    """Write the rows as JSON lines to the terminal or a .jsonl file, or as a table to a .csv file.

    Raises:
        UserError: `output` is another kind of file.
    """
    check_output(output)
    if output is None:
        text = _json_lines(rows, ascii_only=not (sys.stdout.encoding or "").lower().startswith("utf"))
        sys.stdout.write(text)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, FORMS[output.suffix.lower()](rows).encode())


def check_output(output: Path | None) -> None:
    """Refuse a file that predictions can't be written to, before time is spent on them.

    Raises:
        UserError: It is neither .jsonl nor .csv.
    """
    if output is not None and output.suffix.lower() not in FORMS:
        raise UserError(f"{output}: can't write {output.suffix or 'a file without ending'}. Use .jsonl or .csv.")


def _json_lines(rows: Sequence[Mapping[str, Any]], *, ascii_only: bool = False) -> str:
    lines = (json.dumps(row, ensure_ascii=ascii_only, default=str) for row in rows)
    return "".join(f"{printable_json(line)}\n" for line in lines)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lists and probabilities stand in their fields as JSON."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        nested = {
            key: json.dumps(field, ensure_ascii=False, default=str)
            for key, field in row.items()
            if isinstance(field, dict | list)
        }
        writer.writerow({**row, **nested})
    return sink.getvalue()


FORMS: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {".jsonl": _json_lines, ".csv": _table}


def recorded(run: Path) -> tuple[RunRecord, RunConfig]:
    """The record of the run in a folder, or of the one that an export was made from, and the configuration in it.

    Raises:
        UserError: There is no record, or it is of another version.
    """
    if is_export(run):
        record = read_export(run).record
        return record, recorded_config(record.config, run / EXPORT)
    file = record_file(run)
    record = read_record(file)
    return record, recorded_config(record.config, file)


def examples_of(task: Task, rows: Sequence[Row]) -> list[Any]:
    """The rows as examples, read as for training.

    Raises:
        UserError: Every mistake in them.
    """
    _check_columns([name for role in task.type.inputs for name in task.columns_of(role)], rows)
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
    """One row tells it all where the table is a table; jsonl rows may each lack something else."""
    for number, row in enumerate(rows, start=1):
        missing = [column for column in columns if column not in row]
        if missing:
            raise UserError(*(f"{_place(row, number)}: {column_problem(row, name)}" for name in missing))


def _check_names(written: Sequence[str], rows: Sequence[Row]) -> None:
    """Refuse columns that the prediction would overwrite, before time is spent on it."""
    clashes = [name for name in written if any(name in row for row in rows)]
    if clashes:
        raise UserError(f"column {', '.join(clashes)}: the prediction goes by this name. Rename the column.")


def _place(row: Row, number: int) -> str:
    return str(getattr(row, "place", f"row {number}"))
