"""Rows as CSV that is safe to open in any spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from harness.printable import printable

Field = str | int | float | bool | None
FORMULA = tuple("=+-@＝＋－＠")
"""The first characters of formulas, after spaces; some spreadsheets accept the full-width ones."""


def csv_text(rows: Sequence[Mapping[str, Field]]) -> str:
    """A heading and a line per row; empty without rows."""
    if not rows:
        return ""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def harmless(text: str) -> str:
    """`text`, with an apostrophe before what a spreadsheet would take for a formula."""
    text = printable(text)
    return f"'{text}" if text.lstrip()[:1] in FORMULA or text[:1] in ("\t", "\n") else text
