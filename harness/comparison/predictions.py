"""Read the needed columns of a run's predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.record import PREDICTIONS

COLUMNS = ("id", "group", "reference", "prediction")


def read_predictions(folders: Sequence[Path], more: Sequence[str] | None = ()) -> Any:
    """Read the predictions in the first folder, followed by those in the others, all of different examples.

    Args:
        folders: The folder of a run; in cross-validation, those of one seed's folds.
        more: Columns to read in addition to `COLUMNS` if they exist; None: all.

    Raises:
        UserError: If there are no predictions, they are truncated or don't fit together, or an example is in several
                folders.
    """
    import pyarrow  # noqa: PLC0415 -- as above

    tables = [_predictions(one, more) for one in folders]
    several = len(tables) > 1
    try:
        table = pyarrow.concat_tables(tables, promote_options="permissive") if several else tables[0]
    except pyarrow.ArrowException as error:
        raise UserError(f"{folders[0].parent}: the folds' predictions don't fit together: {error}") from error
    if several and len(set(table["id"].to_pylist())) < table.num_rows:
        raise UserError(f"{folders[0].parent}: a row is in several folds. Do the runs again with --redo.")
    return table


def _predictions(folder: Path, more: Sequence[str] | None) -> Any:
    """Read the needed columns, and those of `more` that exist; there must be at least one example."""
    import pyarrow  # noqa: PLC0415 -- a light command imports this module by way of `compare`
    from pyarrow import parquet  # noqa: PLC0415

    file = folder / PREDICTIONS
    try:
        # One file: `read_table` would look for a data set around it, at three times the cost.
        with parquet.ParquetFile(file) as content:
            there = content.schema_arrow.names
            wanted = there if more is None else [*COLUMNS, *(name for name in more if name in there)]
            table = content.read(columns=wanted, use_threads=False)
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file}: no readable predictions ({reason}). Do the run again with --redo.") from error
    if not set(COLUMNS) <= set(table.column_names) or not table.num_rows:
        raise UserError(f"{file}: no predictions in it. Do the run again with --redo.")
    for name in ("reference", "prediction"):
        if table[name].null_count:
            raise UserError(f"{file}: {table[name].null_count} rows without a {name}. Do the run again with --redo.")
    return table


def digest_of_test_set(table: Any) -> str:
    """Digest of the test examples' ids, groups and references, in order."""
    digest = hashlib.sha256()
    for column in ("id", "group", "reference"):
        values = table[column].to_pylist()
        digest.update(
            repr(["" if value is None else value for value in values] if column == "group" else values).encode()
        )
    return digest.hexdigest()
