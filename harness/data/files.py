"""Rows out of csv, tsv, jsonl, parquet and text files, with the line of every mistake."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.data.column_files import sentences
from harness.errors import UserError, nearest

SHOWN = 10


class PlacedRow(dict[str, object]):
    """A row that knows the file and the line that it came from.

    Attributes:
        place: What a message calls it, such as "reviews.csv, line 7".
    """

    __slots__ = ("place",)

    def __init__(self, cells: Mapping[str, object], place: str) -> None:
        super().__init__(cells)
        self.place = place


def read_rows(file: Path) -> list[PlacedRow]:
    """The rows of `file`, by its suffix: .csv, .tsv, .jsonl, .parquet; a .txt is one row, of a folder each .txt in it.

    Of a .conll, .iob or .bio file each sentence is one row (`harness.data.column_files`).

    Cells of csv and tsv stay text ("" is an empty text); both follow the csv quoting rules. UTF-8, with or without a
    byte-order mark.

    Raises:
        UserError: The file is missing, empty, of another kind or encoding, or some of its lines are broken.
    """
    if file.is_dir():
        return _read_folder(file)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise UserError(f"{file}: unknown kind of file ({file.suffix!r}).{nearest(file.suffix, _READERS)}")
    if not file.is_file():
        raise UserError(f"{file}: no such file. Check the path (it is looked up from {Path.cwd()}).")
    try:
        rows = reader(file)
    except OSError as error:
        raise UserError(
            f"{file}: can't be read ({error.strerror or error}). Check its permissions and content."
        ) from error
    if not rows:
        raise UserError(f"{file}: has no rows. Give a file with at least one example.")
    return rows


def refuse(problems: Iterable[str]) -> None:
    """Raise the first ten of `problems`, and how many more there are; nothing where there are none."""
    lines = list(problems)
    if len(lines) > SHOWN:
        lines = [*lines[:SHOWN], f"and {len(lines) - SHOWN} more mistakes of this kind or others."]
    if lines:
        raise UserError(*lines)


def utf8_text(file: Path) -> str:
    """The text in `file`, without a byte-order mark, its lines' ends as they are.

    Raises:
        UserError: It is not UTF-8.
    """
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{file}, line {line}: not UTF-8 (byte {content[error.start]:#04x} at offset {error.start}). "
            f"Save the file as UTF-8."
        ) from error


def text_files(folder: Path) -> list[Path]:
    """The .txt files in a folder, by name."""
    return sorted(folder.glob("*.txt"))


def _read_folder(folder: Path) -> list[PlacedRow]:
    rows: list[PlacedRow] = []
    problems: list[str] = []
    for file in text_files(folder):
        try:
            rows += _read_text(file)
        except UserError as error:
            problems.extend(error.lines)
    refuse(problems)
    if not rows:
        raise UserError(f"{folder}: a folder without a .txt file in it. Name a file, or a folder with texts.")
    return rows


def _read_text(file: Path) -> list[PlacedRow]:
    return [PlacedRow({"id": file.name, "text": utf8_text(file)}, str(file))]


def _separated(delimiter: str) -> Callable[[Path], list[PlacedRow]]:
    return lambda file: _read_separated(file, delimiter)


def _read_separated(file: Path, delimiter: str) -> list[PlacedRow]:
    with _long_cells():
        records = list(_records(file, delimiter))
    while records and not records[-1][1]:
        records.pop()  # blank lines at the end of a file are no rows
    if not records:
        return []
    (_, header), *body = records
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UserError(f"{file}, line 1: column {twice[0]!r} is there twice. Give each column a name of its own.")
    refuse(
        f"{file}, line {line}: {len(cells)} fields, but the header has {len(header)}. Fix or quote the line."
        for line, cells in body
        if len(cells) != len(header)
    )
    return [PlacedRow(dict(zip(header, cells, strict=True)), f"{file}, line {line}") for line, cells in body]


def _records(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line on which it starts (a quoted cell may run over several lines)."""
    reader = csv.reader(io.StringIO(utf8_text(file), newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{file}, line {line}: broken row ({error}). Fix its quotes.") from error


@contextmanager
def _long_cells() -> Iterator[None]:
    """The csv module refuses cells over 131,072 characters; documents are longer than that."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_json_lines(file: Path) -> list[PlacedRow]:
    rows: list[PlacedRow] = []
    problems: list[str] = []
    # Only "\n" ends a line: str.splitlines would also cut at characters that JSON allows within a text.
    for number, line in enumerate(utf8_text(file).split("\n"), start=1):
        place = f"{file}, line {number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(f"{place}: broken JSON ({error.msg}, column {error.colno}). Fix the line.")
            continue
        if isinstance(row, dict):
            rows.append(PlacedRow(row, place))
        else:
            problems.append(f'{place}: not an object (got {type(row).__name__}). Write {{"column": value, ...}}.')
    refuse(problems)
    return rows


def _read_parquet(file: Path) -> list[PlacedRow]:
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 -- arrow is heavy, and other files need none

    try:
        rows = parquet.read_table(file).to_pylist()
    except ArrowException as error:
        raise UserError(f"{file}: no parquet that can be read ({error}). Write it again.") from error
    return [PlacedRow(row, f"{file}, row {number}") for number, row in enumerate(rows, start=1)]


def _read_columns(file: Path) -> list[PlacedRow]:
    found, problems = sentences(utf8_text(file))
    refuse(f"{file}, {problem}" for problem in problems)
    return [PlacedRow(sentence.row(), f"{file}, line {sentence.line}") for sentence in found]


_READERS: Mapping[str, Callable[[Path], list[PlacedRow]]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".txt": _read_text,
    **dict.fromkeys((".conll", ".iob", ".bio"), _read_columns),
}
