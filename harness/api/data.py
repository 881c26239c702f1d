"""A user's own data in Python: a path, a mapping of splits and columns, a data frame, or a list of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from harness.atomic_writes import write_atomically
from harness.config.checking import valid
from harness.config.run import LocalData
from harness.data.sources import SPLITS, dataset_rows
from harness.errors import UserError

_NO_ROWS = "neither a file nor rows (got {!r:.80}). Give a path, a data frame, or a list of mappings."


def local_data(data: Any, runs: Path) -> LocalData:
    """Return the files that `data` names, after saving rows to a file.

    Args:
        data: A path; rows; or a mapping with a path or rows per split and the other options that `harness run` has for
            files, such as {"train": "reviews.csv", "text": "review", "label": "stars"}.
        runs: The folder for all runs. Rows are saved below it under a name made from their content.

    Raises:
        UserError: If it is none of these, or has unknown settings.
    """
    settings = dict(data) if isinstance(data, Mapping) else {"train": data}
    for split in SPLITS:
        if settings.get(split) is not None:
            settings[split] = _file(settings[split], f"data.{split}", runs)
    return valid(LocalData, settings, "data.")


def rows_of(data: Any, where: str) -> list[dict[str, Any]]:
    """Return the rows of a data frame, a `datasets.Dataset` (labels by name), or an iterable of mappings.

    Raises:
        UserError: If it is none of these.
    """
    if hasattr(data, "to_json") and hasattr(data, "columns"):  # A data frame: its missing fields become None.
        return _rows_of_frame(data)
    if hasattr(data, "features") and hasattr(data, "to_list"):
        return dataset_rows(data)
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise UserError(f"{where}: {_NO_ROWS.format(data)}")
    rows = list(data)
    wrong = [row for row in rows if not isinstance(row, Mapping)]
    if wrong:
        raise UserError(f"{where}: {_NO_ROWS.format(wrong[0])}")
    return [dict(row) for row in rows]


def _rows_of_frame(frame: Any) -> list[dict[str, Any]]:
    lines = frame.to_json(orient="records", lines=True, date_format="iso", double_precision=15)
    rows = [json.loads(line) for line in lines.splitlines()]
    for name, column in frame.items():  # pandas writes numbers with at most 15 places after the point.
        if str(column.dtype) == "float64":
            for row, number in zip(rows, column.tolist(), strict=True):
                row[str(name)] = number if isfinite(number) else None
    return rows


def _file(given: Any, where: str, runs: Path) -> str:
    """The path that is given, or that of the file that the given rows are in from now on, named by their content."""
    if isinstance(given, str | Path):
        return str(given)
    try:
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(given, where))
    except TypeError as error:
        raise UserError(f"{where}: a field can't be written as JSON ({error}). Give text, numbers or lists.") from error
    try:
        content = lines.encode()
    except UnicodeEncodeError as error:
        row, half = lines.count("\n", 0, error.start) + 1, f"\\u{ord(lines[error.start]):x}"
        raise UserError(f"{where}: row {row}: half of a character, {half}. Fix the text.") from error
    file = runs.absolute() / "data" / sha256(content).hexdigest()[:12] / "rows.jsonl"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, content)
    return str(file)
