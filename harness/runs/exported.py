"""What the folder of a finished run, or of an export, says of it; an export predicts as its run does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from harness.checksums import folder_digests, without_digest, write_document
from harness.config.checking import Strict
from harness.config.run import LocalData, RunConfig
from harness.errors import UserError
from harness.record import RECORD, Provenance, RunRecord, read_record
from harness.records import record_file
from harness.regular_files import read_json
from harness.runs.identity import recorded_config, without_folder

EXPORT = "export.json"
CHECK = "export_check.json"
CARD = "README.md"
WRITTEN_ON = (EXPORT, CHECK, CARD)
Form = Literal["folder", "onnx"]
Precision = Literal["fp32", "int8"]
_AGAIN = "Export the run again."


class Export(Strict):
    """The description of an export.

    Attributes:
        form: "folder": a stock checkpoint; "onnx": a graph for onnxruntime.
        precision: The precision of an ONNX graph's weights.
        record: The run's record without information about its machine; `files` are those of the export.
    """

    form: Form
    precision: Precision = "fp32"
    record: RunRecord


def is_export(folder: Path) -> bool:
    """Return whether a folder is an export and not a run."""
    return not (folder / RECORD).is_file() and (folder / EXPORT).is_file()


def read_export(folder: Path) -> Export:
    """Read the description in an export's folder.

    Raises:
        UserError: If the file is damaged.
    """
    file = folder / EXPORT
    content = read_json(file, "export", _AGAIN)
    try:
        return Export.model_validate(without_digest(content))
    except (ValueError, TypeError, ValidationError) as error:
        raise UserError(f"{file}: not as `harness export` wrote it. {_AGAIN}") from error


def recorded(run: Path) -> tuple[RunRecord, RunConfig]:
    """Return the record of a run, or of the run that an export was made from, and the configuration in it.

    Raises:
        UserError: If there is no record, or it is of another version.
    """
    if is_export(run):
        record = read_export(run).record
        return record, recorded_config(record.config, run / EXPORT)
    file = record_file(run)
    record = read_record(file)
    return record, recorded_config(record.config, file)


def write_export(folder: Path, form: Form, precision: Precision, record: RunRecord) -> None:
    """Write the description next to the export's files, with their checksums."""
    files = folder_digests(folder, leave_out=WRITTEN_ON)
    export = Export(form=form, precision=precision, record=portable(record).model_copy(update={"files": files}))
    write_document(folder / EXPORT, json.loads(export.model_dump_json()))


def check_export(folder: Path, record: RunRecord) -> None:
    """Check that an export's files have not changed.

    Raises:
        UserError: If one is missing or different.
    """
    found = folder_digests(folder, leave_out=WRITTEN_ON)
    wrong = sorted(name for name, digest in record.files.items() if found.get(name) != digest)
    if wrong:
        raise UserError(f"{folder}: {', '.join(wrong)}: missing, or not as it was exported. {_AGAIN}")


def portable(record: RunRecord) -> RunRecord:
    """The record without information about its machine: the hardware, the command, and the folders of files."""
    record = _with_portable_metrics(record)
    origin = record.provenance.model_dump(exclude={"command", "hardware"})
    model = _without_folders(record.config["model"], "checkpoint", "tokenizer")
    config = {**RunConfig.current(record.config), "files": {}, "model": model}
    if config.get("local"):
        local = _without_folders(LocalData.current(config["local"]), "train", "validation", "test")
        config["local"] = {**local, "task_type": record.task_card.task_type}
    return record.model_copy(update={"provenance": Provenance(**origin), "config": config, "notes": ()})


def _with_portable_metrics(record: RunRecord) -> RunRecord:
    """The record with the metrics of a user's scripts named without their folders."""
    files = record.config.get("files", {})

    def renamed(scores: Mapping[str, float]) -> dict[str, float]:
        return {without_folder(name, files): score for name, score in scores.items()}

    metrics = [without_folder(name, files) for name in record.config.get("metrics", ())]
    main = without_folder(record.task_card.main_metric, files)
    curve = [one.model_copy(update={"validation_scores": renamed(one.validation_scores)}) for one in record.curve]
    changes = {
        "config": {**record.config, "metrics": metrics},
        "task_card": record.task_card.model_copy(update={"main_metric": main}),
        "scores": {split: renamed(scores) for split, scores in record.scores.items()},
        "curve": tuple(curve),
    }
    return record.model_copy(update=changes)


def _without_folders(table: dict[str, Any], *names: str) -> dict[str, Any]:
    """The table with each path in a folder of this machine reduced to its last part."""
    paths = {name: Path(given) for name in names if isinstance(given := table.get(name), str)}
    return {**table, **{name: path.name for name, path in paths.items() if path.is_absolute() or path.exists()}}
