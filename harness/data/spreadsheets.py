"""Rows of a spreadsheet: the first sheet of an xlsx file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from harness.data.content import DAMAGED, LIMIT, DataFile, unpacked_limit
from harness.data.labels import label_name
from harness.data.placed_rows import PlacedRow, table
from harness.errors import UserError, notice

INSTALL = "pip install 'finetune-harness[excel]'"


def read_xlsx(file: DataFile) -> list[PlacedRow]:
    """Read the rows of the first sheet; its first row is the header. Empty rows are dropped, and empty cells are None.

    Numbers are text, as in a CSV file: Excel makes a number of every field that looks like one, such as the title 1984.

    Raises:
        UserError: If openpyxl is not installed, or the file can't be read.
    """
    sheet = _first_sheet(file)
    rows = [
        (f"{file.name}, row {number}", [_as_text(cell) for cell in cells])
        for number, cells in sheet
        if any(cell is not None for cell in cells)
    ]
    if not rows:
        return []
    header = ["" if name is None else str(name) for name in rows[0][1]]
    return table(header, rows[1:])


def _as_text(cell: Any) -> Any:
    return label_name(cell) if isinstance(cell, int | float) else cell


def _first_sheet(file: DataFile) -> list[tuple[int, Sequence[Any]]]:
    """Read the number and the cells of each row."""
    try:
        import openpyxl  # noqa: PLC0415 -- an extra
    except ImportError as error:
        raise UserError(f"{file.name}: needs openpyxl to be read. Install: {INSTALL}") from error

    _check_size(file)
    try:
        book = openpyxl.load_workbook(io.BytesIO(file.content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # The dimensions stated in files are often wrong.
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    except Exception as error:  # Damaged files raise all sorts of exceptions.
        raise UserError(f"{file.name}: no spreadsheet that can be read ({error!r:.100}). Save it again.") from error
    if len(book.worksheets) > 1:
        others = ", ".join(book.sheetnames[1:])
        notice(f"{file.name}: sheet {sheet.title} is read, {others:.80} not. Save another one as a file of its own.")
    width = max(map(len, rows), default=0)
    return [(number, row + [None] * (width - len(row))) for number, row in enumerate(rows, start=1)]


def _check_size(file: DataFile) -> None:
    """Check that the file decompresses to less than the limit. No more than the stated size of a part is ever read."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except DAMAGED as error:
        raise UserError(f"{file.name}: no spreadsheet that can be read ({error}). Save it as .xlsx again.") from error
    if size > unpacked_limit():
        raise UserError(
            f"{file.name}: holds {size / 1e9:.1f} GB once unpacked, more than {unpacked_limit() / 1e9:g}. "
            f"Save it as csv, or set {LIMIT} to more gigabytes."
        )
