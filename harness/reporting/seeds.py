"""A file with a row for every seed and metric, for statistical software."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from harness.atomic_writes import write_atomically
from harness.comparison.results import Comparison
from harness.errors import UserError
from harness.reporting.rows import Row, ScoreRow, tidy_rows
from harness.reporting.spreadsheet import csv_text


def check_seeds_file(file: Path) -> None:
    """Reject a file with an unsupported extension.

    Raises:
        UserError: If it is neither .csv nor .parquet.
    """
    if file.suffix not in _FORMATS:
        got = repr(file.suffix) if file.suffix else "none"
        raise UserError(f"{file}: seeds are written as {' or '.join(_FORMATS)} (ending: {got}). Name such a file.")


def write_seeds(comparison: Comparison, file: Path) -> None:
    """Write a row per model, task, seed and metric, atomically, creating the folder if necessary.

    Raises:
        UserError: If the extension of the file is not supported.
    """
    check_seeds_file(file)
    rows, _ = tidy_rows(comparison, "scores")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, _FORMATS[file.suffix](rows))


def _parquet(rows: Sequence[Row]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 -- only this format needs it
    from pyarrow import parquet  # noqa: PLC0415 -- as above

    types = {"str": pa.string(), "bool": pa.bool_(), "int": pa.int64(), "float | None": pa.float64()}
    schema = pa.schema([(field.name, types[str(field.type)]) for field in fields(ScoreRow)])
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink)
    return sink.getvalue()


_FORMATS: Mapping[str, Callable[[Sequence[Row]], bytes]] = {
    ".csv": lambda rows: csv_text(rows).encode(),
    ".parquet": _parquet,
}
