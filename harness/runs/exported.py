"""What an export's folder says of itself, so that it answers as the run does that it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from harness.atomic_writes import write_atomically
from harness.checksums import folder_digests, with_digest, without_digest
from harness.config.checking import Strict
from harness.errors import UserError
from harness.record import RECORD, Provenance, RunRecord
from harness.regular_files import read_json

EXPORT = "export.json"
CHECK = "export_check.json"
CARD = "README.md"
WRITTEN_ON = (EXPORT, CHECK, CARD)
Form = Literal["folder", "onnx"]
Precision = Literal["fp32", "int8"]
_AGAIN = "Export the run again."


class Export(Strict):
    """What an export is.

    Attributes:
        form: "folder": a stock checkpoint; "onnx": a graph for onnxruntime.
        precision: Of an ONNX graph's weights.
        record: Of the run, without what tells of the machine that it was made on; `files` are the export's.
    """

    form: Form
    precision: Precision = "fp32"
    record: RunRecord


def is_export(folder: Path) -> bool:
    """Whether a folder is an export, and no run's."""
    return not (folder / RECORD).is_file() and (folder / EXPORT).is_file()


def read_export(folder: Path) -> Export:
    """What an export's folder says of itself.

    Raises:
        UserError: The file is damaged.
    """
    file = folder / EXPORT
    content = read_json(file, "export", _AGAIN)
    try:
        return Export.model_validate(without_digest(content))
    except (ValueError, TypeError, ValidationError) as error:
        raise UserError(f"{file}: not as `harness export` wrote it. {_AGAIN}") from error


def write_export(folder: Path, form: Form, precision: Precision, record: RunRecord) -> None:
    """Write what the export is beside its files, with their checksums."""
    files = folder_digests(folder, leave_out=WRITTEN_ON)
    export = Export(form=form, precision=precision, record=portable(record).model_copy(update={"files": files}))
    content = with_digest(json.loads(export.model_dump_json()))
    write_atomically(folder / EXPORT, json.dumps(content, indent=1, ensure_ascii=False).encode())


def check_export(folder: Path, record: RunRecord) -> None:
    """Check that an export's files are those that were written.

    Raises:
        UserError: One is missing, or another one.
    """
    found = folder_digests(folder, leave_out=WRITTEN_ON)
    wrong = sorted(name for name, digest in record.files.items() if found.get(name) != digest)
    if wrong:
        raise UserError(f"{folder}: {', '.join(wrong)}: missing, or not as it was exported. {_AGAIN}")


def portable(record: RunRecord) -> RunRecord:
    """The record without what tells of the machine: its hardware, what was typed, the folders that files lay in."""
    origin = record.provenance.model_dump(exclude={"command", "hardware"})
    model = _without_folders(record.config["model"], "checkpoint", "tokenizer")
    config = {**record.config, "files": {}, "model": model}
    if config.get("local"):
        local = _without_folders(config["local"], "train", "validation", "test")
        config["local"] = {**local, "task_type": record.task_card.task_type}
    return record.model_copy(update={"provenance": Provenance(**origin), "config": config, "notes": ()})


def _without_folders(table: dict[str, Any], *names: str) -> dict[str, Any]:
    """The table with the last part alone of each path that lies in a folder of this machine."""
    paths = {name: Path(given) for name in names if isinstance(given := table.get(name), str)}
    return {**table, **{name: path.name for name, path in paths.items() if path.is_absolute() or path.exists()}}
