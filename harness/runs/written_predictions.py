"""Write predictions to a file or the terminal. Nothing heavy is imported, so that a wrong file is told at once."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.atomic_writes import write_atomically
from harness.errors import UserError
from harness.output import json_text
from harness.printable import printable_json


def write_rows(rows: Sequence[Mapping[str, Any]], output: Path | None) -> None:
    """Write the rows as JSON lines to the terminal or a .jsonl file, or as a table to a .csv file.

    Raises:
        UserError: If `output` is another kind of file.
    """
    check_output(output)
    if output is None:
        sys.stdout.write("".join(f"{json_text(row, indent=None)}\n" for row in rows))
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, FORMS[output.suffix.lower()](rows).encode())


def check_output(output: Path | None) -> None:
    """Check that predictions can be written to a file, before time is spent on them.

    Raises:
        UserError: If it is neither .jsonl nor .csv.
    """
    if output is not None and output.suffix.lower() not in FORMS:
        raise UserError(f"{output}: can't write {output.suffix or 'a file without ending'}. Use .jsonl or .csv.")


def _json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = (json.dumps(row, ensure_ascii=False, default=str) for row in rows)
    return "".join(f"{printable_json(line)}\n" for line in lines)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Format rows as CSV, with lists and probabilities as JSON in their fields."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        nested = {
            key: json.dumps(field, ensure_ascii=False, default=str)
            for key, field in row.items()
            if isinstance(field, dict | list)
        }
        writer.writerow({**row, **nested})
    return sink.getvalue()


FORMS: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {".jsonl": _json_lines, ".csv": _table}
