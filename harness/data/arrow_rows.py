"""Rows of Arrow tables (parquet, feather, arrow), with label names from the file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from harness.data.content import DataFile
from harness.data.placed_rows import PlacedRow, named
from harness.errors import UserError


def read_parquet(file: DataFile) -> list[PlacedRow]:
    """Read the rows of a parquet file.

    Raises:
        UserError: If it can't be read.
    """
    from pyarrow import BufferReader, parquet  # noqa: PLC0415 -- arrow is heavy, and only these files need it

    return _rows(file, "parquet", lambda: parquet.ParquetFile(BufferReader(file.content)).read())


def read_arrow(file: DataFile) -> list[PlacedRow]:
    """Read the rows of a feather file, or of Arrow's file or stream format, as written by `datasets`.

    Raises:
        UserError: If it can't be read.
    """
    return _rows(file, "arrow or feather file", lambda: _arrow_table(file.content))


def _arrow_table(content: bytes) -> Any:
    from pyarrow import BufferReader, feather, ipc  # noqa: PLC0415 -- as above

    if content.startswith((b"ARROW1", b"FEA1")):
        return feather.read_table(BufferReader(content))
    return ipc.open_stream(BufferReader(content)).read_all()


def _rows(file: DataFile, called: str, read: Callable[[], Any]) -> list[PlacedRow]:
    from pyarrow import ArrowException  # noqa: PLC0415 -- as above

    try:
        table = read()
        repeated = frozenset(name for name, count in Counter(table.column_names).items() if count > 1)
        table = table.select([index for index, name in enumerate(table.column_names) if name not in repeated])
        table.validate(full=True)  # Fails on text that is not UTF-8, which arrow accepts otherwise.
        rows = named_labels(_with_texts(_with_floats(table)).to_pylist(), label_names(table.schema.metadata or {}))
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise UserError(f"{file.name}: no {called} that can be read ({reason}). Write it again.") from error
    return [PlacedRow(named(row), f"{file.name}, row {number}", repeated) for number, row in enumerate(rows, start=1)]


def _with_floats(table: Any) -> Any:
    """Return a table with floats in place of decimals, which databases write."""
    from pyarrow import float64, types  # noqa: PLC0415 -- as above

    for place, column in enumerate(table.schema):
        if types.is_decimal(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(float64()))
    return table


def _with_texts(table: Any) -> Any:
    """Return a table with texts in place of bytes that are all UTF-8, since some databases write texts like that."""
    from pyarrow import ArrowInvalid, string, types  # noqa: PLC0415 -- as above

    for place, column in enumerate(table.schema):
        if types.is_binary(column.type) or types.is_large_binary(column.type):
            with suppress(ArrowInvalid):
                table = table.set_column(place, column.name, table.column(place).cast(string()))
    return table


def label_names(metadata: Mapping[bytes, bytes]) -> dict[str, Sequence[str]]:
    """Read the label names of each column from the schema that `datasets` writes.

    Source: datasets, `Features.arrow_schema`: JSON with {"info": {"features": {column: feature}}}. A feature with named
    labels is {"names": [...], "_type": "ClassLabel"}, and a feature of lists has that of the items under "feature".
    """
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        found = {column: _names_of(feature) for column, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {column: names for column, names in found.items() if names}


def named_labels(rows: list[dict[str, Any]], names: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Replace label indices by label names in the columns with known names."""
    for column, known in names.items():
        for row in rows:
            if column in row:
                row[column] = _named(row[column], known)
    return rows


def _names_of(feature: Any) -> Sequence[str]:
    """Return the names of a feature, or of the items of a list feature."""
    if isinstance(feature, list):
        return _names_of(feature[0])
    if feature.get("_type") == "ClassLabel":
        return tuple(map(str, feature["names"]))
    return _names_of(feature["feature"]) if isinstance(feature.get("feature"), dict) else ()


def _named(field: Any, names: Sequence[str]) -> Any:
    if isinstance(field, list):
        return [_named(item, names) for item in field]
    # A withheld label is -1, a missing one None. Both are kept, to be reported on loading.
    is_index = isinstance(field, int) and not isinstance(field, bool) and 0 <= field < len(names)
    return names[field] if is_index else field
