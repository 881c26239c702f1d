"""Rows as CSV that is safe to open in any spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from harness.printable import printable

Field = str | int | float | bool | None
FORMULA = tuple("=+-@＝＋－＠")
"""The first characters of formulas, after spaces; some spreadsheets accept the full-width ones."""


def csv_text(rows: Sequence[Mapping[str, Field]]) -> str:
    """A heading and a line per row, all with the columns of the first; empty without rows."""
    if not rows:
        return ""
    sink = io.StringIO()
    lines: list[Iterable[Field]] = [rows[0].keys(), *(row.values() for row in rows)]
    csv.writer(sink, lineterminator="\n").writerows(map(_harmless, line) for line in lines)
    return sink.getvalue()


def _harmless(field: Field) -> Field:
    """The field, with an apostrophe before what a spreadsheet would take for a formula."""
    if not isinstance(field, str):
        return field
    text = printable(field)
    return f"'{text}" if text.lstrip()[:1] in FORMULA or text[:1] in ("\t", "\n") else text
