"""Use a trained model on new text."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from harness.cell import CHECKPOINT
from harness.config import RunConfig, task_of
from harness.engine.device import fresh_accelerator
from harness.engine.finetuning import forward_of, reader_of
from harness.errors import UserError, nearest
from harness.identity import recorded_config
from harness.models._stock import Loaded, model_class_of
from harness.record import RECORD, RunRecord, read_record, write_atomically
from harness.registry import FAMILIES, KINDS, is_floor
from tasks.cells import CellError, text_cell
from tasks.files import read_rows, refuse
from tasks.task import DocumentExample, QuestionExample, Row, Task, TextExample

MICRO_BATCH_SIZE = 32
# The columns that predictions have, whatever the kind of task.
TOLD = ("prediction", "probabilities", "start", "end", "score", "no_answer_score")


def rows_to_read(
    run: Path, *, text: Sequence[str], question: str | None, context: str | None, file: Path | None
) -> list[Row]:
    """The rows that the command line gives, in the columns of the run's task.

    Raises:
        UserError: They don't fit the task, or the file can't be read.
    """
    task = task_of(_config(run, _record(run)))
    if file is not None:
        if text or question or context:
            raise UserError("harness predict: --input can't stand beside --text, --question or --context.")
        return list(read_rows(file))
    if task.kind == "question_answering":
        if question is None or context is None or text:
            raise UserError(f"{run}: its task answers questions; give --question and --context, or --input.")
        return [{task.question: question, task.context: context}]
    if len(text) != len(task.text) or question or context:
        columns, times = " and ".join(task.text), "once" if len(task.text) == 1 else "twice"
        raise UserError(f"{run}: its task reads {columns}; give --text {times} (got {len(text)}), or --input.")
    return [dict(zip(task.text, text, strict=True))]


def predict_rows(run: Path, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each row with its prediction, and how sure the model is.

    Raises:
        UserError: The run has no checkpoint, or is of another version; a row lacks a column, or has one of ours.
    """
    record = _record(run)
    config = _config(run, record)
    task = task_of(config)
    examples = _examples(task, rows)
    _check_names(rows)
    labels = record.task_card.labels
    kind = KINDS.load(task.kind)(labels, config.training)
    family = FAMILIES.load(record.family)
    folder = run / CHECKPOINT
    if not folder.is_dir():
        raise UserError(f"{run}: has no checkpoint ({record.status}). Run it again.")
    if is_floor(record.family):
        outputs = family.load(folder, kind=task.kind, labels=labels).outputs(examples)
    else:
        outputs = _outputs(family, folder, kind, config, labels=labels, examples=examples)
    found = [_told(answer, labels, task.kind) for answer in kind.rows(outputs, examples, record.calibration)]
    assert all(told.keys() <= set(TOLD) for told in found)
    return [{**row, **told} for row, told in zip(rows, found, strict=True)]


def write_rows(rows: Sequence[Mapping[str, Any]], output: Path | None) -> None:
    """Write the rows as JSON lines to the terminal or a .jsonl file, or as a table to a .csv file.

    Raises:
        UserError: `output` is another kind of file.
    """
    check_output(output)
    if output is None:
        sys.stdout.write(_json_lines(rows))
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


def _json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lists and probabilities stand in their cells as JSON."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        nested = {
            key: json.dumps(cell, ensure_ascii=False) for key, cell in row.items() if isinstance(cell, dict | list)
        }
        writer.writerow({**row, **nested})
    return sink.getvalue()


FORMS: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {".jsonl": _json_lines, ".csv": _table}


def _record(run: Path) -> RunRecord:
    file = run / RECORD
    if not file.is_file():
        known = sorted(str(found.parent) for found in run.parent.glob(f"*/{RECORD}"))
        raise UserError(f"{run}: no {RECORD} here; name the folder of one run.{nearest(str(run), known)}")
    return read_record(file)


def _config(run: Path, record: RunRecord) -> RunConfig:
    return recorded_config(record.config, run / RECORD)


def _examples(task: Task, rows: Sequence[Row]) -> list[Any]:
    columns = (task.question, task.context) if task.kind == "question_answering" else task.text
    _check_columns(columns, rows)
    mistakes: list[str] = []
    texts = [_texts(row, columns, number, mistakes) for number, row in enumerate(rows, start=1)]
    refuse(mistakes)
    if task.kind == "question_answering":
        return [QuestionExample(str(index), pair[0], pair[1], ()) for index, pair in enumerate(texts)]
    if task.kind == "language_modelling":
        return [DocumentExample(str(index), parts[0]) for index, parts in enumerate(texts)]
    target: Any = () if task.kind == "multi_label" else 0
    return [TextExample(str(index), parts[0], target, *parts[1:]) for index, parts in enumerate(texts)]


def _check_columns(columns: Sequence[str], rows: Sequence[Row]) -> None:
    """One row tells it all where the table is a table; jsonl rows may each lack something else."""
    for number, row in enumerate(rows, start=1):
        missing = [column for column in columns if column not in row]
        if missing:
            raise UserError(*(f"{_place(row, number)}: no column {name!r}.{nearest(name, row)}" for name in missing))


def _check_names(rows: Sequence[Row]) -> None:
    """Refuse columns that the prediction would overwrite, before time is spent on it."""
    clashes = [name for name in TOLD if any(name in row for row in rows)]
    if clashes:
        raise UserError(f"--input: column {', '.join(clashes)}: the prediction goes by this name. Rename the column.")


def _texts(row: Row, columns: Sequence[str], number: int, mistakes: list[str]) -> list[str]:
    """The row's texts, read as for training; what is wrong is added to `mistakes`."""
    try:
        return [text_cell(row, column) for column in columns]
    except CellError as error:
        mistakes.append(f"{_place(row, number)}: {error}")
        return []


def _place(row: Row, number: int) -> str:
    return str(getattr(row, "place", f"row {number}"))


def _outputs(
    family: Any, folder: Path, kind: Any, config: RunConfig, *, labels: tuple[str, ...], examples: Sequence[Any]
) -> Any:
    head = kind.head()
    model = model_class_of(head, family.language, str(folder)).from_pretrained(
        folder, dtype="float32", use_safetensors=True, trust_remote_code=False
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    training = config.training
    window = tokenizer.model_max_length  # as saved: the window that it was trained with
    accelerator = fresh_accelerator("fp32", tracker=None, folder=folder)
    model.to(accelerator.device)
    parts = (family.pooled_head, family.packing, family.language)
    loaded = Loaded(model, tokenizer, window, labels, None, (), *parts)
    reader = reader_of(loaded, kind, training)
    forward = forward_of(loaded, kind, accelerator, training, micro_batch_size=MICRO_BATCH_SIZE)
    return forward.evaluate(kind.features(examples, reader), examples)[1]


def _told(answer: Mapping[str, Any], labels: Sequence[str], kind: str) -> dict[str, Any]:
    """The prediction with scores that a person can read."""
    # An empty context has no span, whose score is -inf: a number that JSON doesn't have.
    told = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in answer.items()
        if key not in {"reference", "logits"}
    }
    if "logits" not in answer:
        return told
    logits = np.array(answer["logits"])
    if kind == "multi_label":
        probabilities = 1 / (1 + np.exp(-logits))
    else:
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    return {
        **told,
        "probabilities": {label: round(float(p), 4) for label, p in zip(labels, probabilities, strict=True)},
    }
