"""Test that each model family learns the same from the same rows in every supported file format.

    python -m experiments.data_forms                        # all; names of models for some

The same 76 texts are written in every format that can be read. A small model of each family is fine-tuned for three
steps on each. The scores, and the weights to the bit, are compared with those from a JSON Lines file.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import hashlib
import json
import logging
import platform
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import openpyxl
import pyarrow
from datasets import Dataset, DatasetDict
from pyarrow import feather, parquet

from experiments.auto_classes.checkpoints import write_checkpoint
from experiments.auto_classes.runs import SHORT, Silent
from experiments.auto_classes.tasks import SPLITS, STUDIED, made_up_rows
from harness.config.model import ModelConfig, find_model
from harness.config.run import LocalData
from harness.config.training import Training
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.runs.execution import Options, execute
from harness.suites.expansion import single_runs

RESULTS = Path(__file__).parent / "results" / "data_forms"
Rows = Sequence[Mapping[str, str]]
MODELS = ("bert-mini", "roberta-mini", "xl-mini", "xlnet-tiny", "scratch", "tfidf", "majority")
"""Those of configs/models that stand for their families."""
ARCHITECTURES = {"big_bird": "bigbird", "distilbert": "auto"}
"""The family of each architecture that is built at random, for want of a small checkpoint."""
FIRST = "lines of JSON"
TASK = STUDIED["classification"]


def _lines(rows: Rows) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def _separated(file: Path, rows: Rows, *, separator: str, encoding: str = "utf-8") -> None:
    with file.open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


def _zipped(file: Path, rows: Rows) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("rows.jsonl", _lines(rows))


def _spreadsheet(file: Path, rows: Rows) -> None:
    book = openpyxl.Workbook()
    for row in [list(rows[0]), *(list(row.values()) for row in rows)]:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(file)


def _columns(rows: Rows) -> dict[str, list[str]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _shards(folder: Path, rows: Rows) -> None:
    folder.mkdir()
    for number in range(2):
        part = rows[number * len(rows) // 2 : (number + 1) * len(rows) // 2]
        parquet.write_table(pyarrow.table(_columns(part)), folder / f"part-{number}.parquet")


def _write(pack: Callable[[bytes], bytes]) -> Callable[[Path, Rows], None]:
    return lambda file, rows: void(file.write_bytes(pack(_lines(rows))))


def void(_: object) -> None:
    """Nothing: what a writer returns is of no use."""


FORMS: Mapping[str, tuple[str, Callable[[Path, Rows], None]]] = {
    FIRST: (".jsonl", _write(bytes)),
    "list of JSON objects": (".json", lambda file, rows: void(file.write_text(json.dumps(list(rows))))),
    "JSON of columns": (".json", lambda file, rows: void(file.write_text(json.dumps(_columns(rows))))),
    "csv": (".csv", lambda file, rows: _separated(file, rows, separator=",")),
    "csv with semicolons": (".csv", lambda file, rows: _separated(file, rows, separator=";")),
    "csv in utf-16": (".csv", lambda file, rows: _separated(file, rows, separator=",", encoding="utf-16")),
    "tsv": (".tsv", lambda file, rows: _separated(file, rows, separator="\t")),
    "spreadsheet": (".xlsx", _spreadsheet),
    "parquet": (".parquet", lambda file, rows: parquet.write_table(pyarrow.table(_columns(rows)), file)),
    "parquet in parts": ("", _shards),
    "feather": (".feather", lambda file, rows: feather.write_feather(pyarrow.table(_columns(rows)), str(file))),
    "gzip": (".jsonl.gz", _write(gzip.compress)),
    "bzip2": (".jsonl.bz2", _write(bz2.compress)),
    "zstd": (".jsonl.zst", _write(lambda content: bytes(pyarrow.compress(content, codec="zstd", asbytes=True)))),
    "zip": (".zip", _zipped),
}
"""The ending of each form that is a file or folder per split, and what writes it."""
IN_ONE = "folder of save_to_disk"


def main() -> None:
    """Try the models that are named, or all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="such as bert-mini tfidf; default: all")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    prepare_libraries()
    logging.disable(logging.WARNING)
    found = {}
    with tempfile.TemporaryDirectory(prefix="data-forms-") as folder:
        data = write_data(Path(folder))
        for name in arguments.models or [*MODELS, *ARCHITECTURES]:
            found[name] = tried(name, data, Path(folder, name))
            print(name, json.dumps(found[name]), flush=True)
    if not arguments.models:
        write(found, arguments.output)


def write_data(folder: Path) -> dict[str, LocalData]:
    """The same three splits in each form."""
    splits = {name: made_up_rows(TASK.row, seed, count) for name, seed, count in SPLITS}
    data = {}
    for place, (form, (ending, writer)) in enumerate(FORMS.items()):
        files = {name: folder / f"{place}-{name}{ending}" for name in splits}
        for name, rows in splits.items():
            writer(files[name], rows)
        data[form] = LocalData(**{name: str(file) for name, file in files.items()})
    whole = folder / "saved"
    DatasetDict({name: Dataset.from_list([*rows]) for name, rows in splits.items()}).save_to_disk(str(whole))
    data[IN_ONE] = LocalData(train=str(whole))
    return data


def tried(name: str, data: Mapping[str, LocalData], folder: Path) -> dict[str, str]:
    """What came of each form: "equal", or what was said."""
    model = _model(name, folder)
    found: dict[str, tuple[object, str]] = {}
    said = {}
    for form, own in data.items():
        try:
            found[form] = _outcome(name, model, own, folder / form.replace(" ", "-"))
        except UserError as error:
            said[form] = " ".join(error.lines)
        else:
            said[form] = "equal" if found[form] == found.get(FIRST) else "differs"
    return said


def _model(name: str, folder: Path) -> ModelConfig:
    if name not in ARCHITECTURES:
        return find_model(name)
    checkpoint = write_checkpoint(name, folder / "checkpoint", auto_class=TASK.auto_class)
    return ModelConfig(family=ARCHITECTURES[name], checkpoint=str(checkpoint))


def _outcome(name: str, model: ModelConfig, own: LocalData, runs: Path) -> tuple[object, str]:
    (run,) = single_runs("own", own, {name: (model, Training(**SHORT))}, seeds=[0], runs=runs)
    record = execute(run, Options(), Silent())
    if record.status != "complete":
        raise UserError(record.reason or record.status)
    weights = sorted(run.folder.glob("checkpoint/*.safetensors"))
    return record.scores, hashlib.sha256(b"".join(file.read_bytes() for file in weights)).hexdigest()


def write(found: Mapping[str, Mapping[str, str]], folder: Path) -> None:
    """The table, dated: a row per form, a column per model."""
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.now(UTC).date().isoformat()
    lines = [
        f"# Families and forms of data, {date}", "",
        f"`python -m experiments.data_forms`, transformers {version('transformers')}, torch {version('torch')},",
        f"{platform.machine()} CPU. Equal: the scores and the weights' bits are those of {FIRST}.", "",
        f"| | {' | '.join(found)} |",
        f"|---|{'---|' * len(found)}",
        *(f"| {form} | {' | '.join(column[form] for column in found.values())} |" for form in [*FORMS, IN_ONE]),
    ]  # fmt: skip
    (folder / f"{date}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
