"""Write an export: complete and checked, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.checksums import write_document
from harness.config.run import RunConfig, task_of
from harness.errors import UserError
from harness.export.card import export_card
from harness.export.check import ExportCheck, checked_export
from harness.export.graph import check_exportable, write_graph
from harness.models.finished import finished_model
from harness.models.onnx_model import ONNX_FILE
from harness.record import RunRecord
from harness.registry import FAMILIES
from harness.runs.answering import model_folder
from harness.runs.exported import CARD, CHECK, Form, Precision, is_export, recorded, write_export
from harness.runs.run import CHECKPOINT


@dataclass(frozen=True)
class Wanted:
    """An export to make.

    Attributes:
        run: The folder of one run.
        form: "folder" or "onnx".
        precision: The precision of an ONNX graph.
        licence: The model's licence, by its Hub name; None: that of the base checkpoint.
        examples: Number of validation examples to check it on; 0: no check.
        name: The name of the export.
    """

    run: Path
    form: Form
    precision: Precision
    licence: str | None
    examples: int
    name: str


def export_to(wanted: Wanted, target: Path) -> ExportCheck | None:
    """Write the export to a new folder and return the result of its check, if it was checked.

    Raises:
        UserError: If `target` is anything but an empty folder, the run can't be exported like this, or the export's
            answers differ.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target}: already exists. Remove it, or name another folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with exported(wanted, beside=target.parent) as (folder, check):
        if target.exists():
            target.rmdir()
        folder.rename(target)
    return check


@contextmanager
def exported(wanted: Wanted, *, beside: Path | None = None) -> Iterator[tuple[Path, ExportCheck | None]]:
    """Yield a folder with the export, which is removed afterwards unless it was moved, and the result of its check.

    Args:
        wanted: The export to make.
        beside: The parent of the folder; default: the system's temporary folder.

    Raises:
        UserError: If the run can't be exported like this, or the export's answers differ.
    """
    if is_export(wanted.run):
        raise UserError(f"{wanted.run}: is an export itself. Name the folder of the run that it was made from.")
    record, config = recorded(wanted.run)
    source = model_folder(wanted.run, record)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=beside, ignore_cleanup_errors=True) as made:
        folder = Path(made) / "export"
        folder.mkdir()
        _write_model(wanted, record, config, source=source, folder=folder)
        card = export_card(wanted.run, record, config, licence=wanted.licence, name=wanted.name)
        (folder / CARD).write_text(card, encoding="utf-8")
        write_export(folder, wanted.form, wanted.precision, record)
        check = checked_export(wanted.run, folder, examples=wanted.examples) if wanted.examples else None
        if check is not None:
            write_document(folder / CHECK, check.model_dump())
        yield folder, check


def _write_model(wanted: Wanted, record: RunRecord, config: RunConfig, *, source: Path, folder: Path) -> None:
    if wanted.form == "folder":
        _copy_recorded(source, folder, record)
        return
    head = task_of(config).type.objective(record.task_card.labels, config.training).head()
    check_exportable(wanted.run, record, config, head)
    loaded = finished_model(FAMILIES.load(record.family), source, head, record.task_card.labels)
    loaded.model.config.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    write_graph(loaded, head, folder, is_int8=wanted.precision == "int8")
    assert (folder / ONNX_FILE).is_file()


def _copy_recorded(checkpoint: Path, folder: Path, record: RunRecord) -> None:
    """Copy the files of a checkpoint that the run wrote, as others do not belong into an export."""
    written = [name.removeprefix(f"{CHECKPOINT}/") for name in record.files if name.startswith(f"{CHECKPOINT}/")]
    if not written:  # Earlier versions recorded no files.
        shutil.copytree(checkpoint, folder, dirs_exist_ok=True)
    for name in written:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkpoint / name, folder / name)
