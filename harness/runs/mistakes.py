"""The worst mistakes of a run on its test examples, with their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.checksums import check_files
from harness.errors import UserError, notice
from harness.record import PREDICTIONS, RECORD, RunRecord, read_record
from harness.records import record_file
from harness.registry import TASK_TYPES
from harness.regular_files import check_regular
from harness.runs.identity import recorded_config
from harness.runs.run_splits import read_splits

SHOWN = ("id", "group", "length", "reference", "prediction")


def worst(run: Path, count: int) -> list[dict[str, Any]]:
    """The test examples that the run gets most wrong, worst first; none that are entirely right.

    Each has its id, group, length in tokens, reference, prediction, `wrongness` by its task type, and its texts if the
    data still exists unchanged.

    Args:
        run: The folder of one run.
        count: Maximum number of examples.

    Raises:
        UserError: If it has no predictions, or they are damaged.
    """
    check_regular(record_file(run), "Name the folder of one run, with its run.json.", within=run)
    record = read_record(run / RECORD)
    rows = _predictions(run, record)
    task_type, labels = TASK_TYPES.load(record.task_card.task_type), record.task_card.labels
    judged = [(task_type.wrongness(row, labels), row) for row in rows]
    ranked = sorted([pair for pair in judged if pair[0] > 0], key=lambda pair: (-pair[0], str(pair[1]["id"])))[:count]
    texts = texts_of(run, record, {str(row["id"]) for _, row in ranked})
    return [
        {
            **{name: row.get(name) for name in SHOWN},
            "prediction": task_type.shown(row["prediction"]),
            "wrongness": wrongness,
            "texts": texts.get(str(row["id"])),
        }
        for wrongness, row in ranked
    ]


def _predictions(run: Path, record: RunRecord) -> list[dict[str, Any]]:
    import pyarrow  # noqa: PLC0415 -- heavy
    from pyarrow import parquet  # noqa: PLC0415 -- heavy

    if record.is_validation_only:
        raise UserError(f"{run}: was run with --validation-only, so it has no predictions of test examples.")
    check_regular(run / PREDICTIONS, "Do the run again with --redo.", within=run)
    check_files(run, record.files, PREDICTIONS)
    try:
        rows: list[dict[str, Any]] = parquet.read_table(run / PREDICTIONS).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{run / PREDICTIONS}: no readable predictions. Do the run again with --redo.") from error
    if not all({"id", "reference", "prediction"} <= row.keys() for row in rows[:1]):
        raise UserError(f"{run / PREDICTIONS}: no predictions in it. Do the run again with --redo.")
    return rows


def texts_of(run: Path, record: RunRecord, wanted: set[str]) -> Mapping[str, Sequence[str]]:
    """The texts of some test examples by id; if the data is missing or changed, none, and a line that says why."""
    try:
        config = recorded_config(record.config, run / RECORD)
        return {example.id: example.parts for example in read_splits(config).test if example.id in wanted}
    except UserError as error:
        notice(f"{run}: without texts, as its data can't be read again: {error.lines[0]}")
        return {}
