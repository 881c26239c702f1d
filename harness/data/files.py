"""Read rows from a user's files of any format, with the line of every mistake."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import commonpath
from pathlib import Path

from harness.data.arrow_rows import read_arrow, read_parquet
from harness.data.column_files import DOCUMENT, sentences
from harness.data.column_files import ENDINGS as COLUMN_FILES
from harness.data.content import DataFile, TextFormat, opened
from harness.data.folders import TEXT, Located, by_split, located
from harness.data.json_rows import read_json, read_json_lines
from harness.data.placed_rows import SHOWN, PlacedRow, refuse
from harness.data.separated import SEPARATORS, USUAL, named_separator, read_separated
from harness.data.spreadsheets import read_xlsx
from harness.errors import UserError, collected, nearest, notice

STANDARD_INPUT = "-"
"""The name of standard input among files."""


def read_rows(file: Path, *, separator: str | None = None, encoding: str | None = None) -> list[PlacedRow]:
    """Read the rows of a file, of a folder, or of all files that match a pattern such as "part-*.parquet".

    The format follows from the ending. A table of text keeps its fields as text ("" is an empty text). A .txt file is
    one row, and a sentence of a column file is one (`harness.data.column_files`). Separator and encoding are guessed if
    not given, with a note of what was guessed. Compressed files are decompressed.

    Args:
        file: The file, folder or pattern.
        separator: The separator of the fields of a CSV or TSV file, or its name, such as "tab".
        encoding: The encoding of text files, by Python's name.

    Raises:
        UserError: If the file is missing, empty, of unknown type or encoding, or has broken lines.
    """
    return read_located(files_of(file), separator=separator, encoding=encoding)


def read_standard_input(*, encoding: str | None = None) -> list[PlacedRow]:
    """Read an object in JSON per line from standard input.

    Raises:
        UserError: If there is none, or a line is broken.
    """
    refuse(format_problems(None, encoding))
    name = "standard input"
    rows = read_json_lines(DataFile(name, ".jsonl", sys.stdin.buffer.read(), TextFormat(None, encoding)))
    if not rows:
        raise UserError(f'{name}: has no rows. Write {{"column": "text"}} on each line.')
    return rows


def files_of(path: Path | str) -> Located:
    """Find the files of a path, a pattern or a folder.

    Raises:
        UserError: If a folder has no readable files, or more than one table.
    """
    return located(path, READERS)


def files_by_split(path: Path | str) -> Mapping[str, Located]:
    """Find the files of each split in a folder with files for splits; empty for any other path.

    Raises:
        UserError: If a split has several.
    """
    return by_split(Path(path), READERS) if Path(path).is_dir() else {}


def every_file(path: Path | str) -> list[Path]:
    """Find all files of a path, for all splits if it is a folder with files for splits.

    Raises:
        UserError: If a folder has no readable files, or files of several kinds.
    """
    return [file for found in files_by_split(path).values() or [files_of(path)] for file in found.files]


def read_located(found: Located, *, separator: str | None = None, encoding: str | None = None) -> list[PlacedRow]:
    """Read the rows of files, one file after the other; see `read_rows`.

    Raises:
        UserError: For all mistakes in them, or if the separator or encoding does not exist.
    """
    refuse(format_problems(separator, encoding))
    text_format = TextFormat(named_separator(separator) if separator else None, encoding)
    rows: list[PlacedRow] = []
    problems: list[str] = []
    guesses: list[list[str]] = []
    names = _names_of(found.files)
    for file in found.files:
        with collected(problems):
            data = _opened(file, text_format)
            guesses.append(data.guesses)
            read = [_of_class(file, data)] if found.by_class else _reader(data)(data)
            rows += read if found.by_class or len(found.files) == 1 else _told_apart(read, names[file], data)
        if len(problems) > SHOWN:
            break
    _tell(found, Counter(guess for of_file in guesses for guess in of_file))
    if problems:
        raise UserError(*problems)
    if not rows:
        raise UserError(f"{found.where}: has no rows. Give a file with at least one example.")
    return rows


def format_problems(separator: str | None, encoding: str | None) -> Iterator[str]:
    """Yield a line for an invalid separator or encoding."""
    if separator is not None and (len(named_separator(separator)) != 1 or separator in '"\r\n'):
        names = ", ".join(SEPARATORS.values())
        yield f"separator: must be one character, or {names} (got {separator!r}). Leave it out to have it guessed."
    if encoding is not None:
        try:
            "".encode(encoding)
        except (LookupError, ValueError):
            yield f"encoding: Python knows no such encoding of text (got {encoding!r}). Write one such as cp1252."


def _tell(found: Located, guesses: Mapping[str, int]) -> None:
    """Report in one line what was guessed."""
    if guesses:
        every = len(found.files)
        told = [
            what if count == every else f"{what} in {count:,} of {every:,} files" for what, count in guesses.items()
        ]
        notice(f"{found.where}: guessed {', '.join(told)}. If that is wrong, give --encoding or --separator.")


def _opened(file: Path, text_format: TextFormat) -> DataFile:
    if file.exists() and not file.is_file():
        raise UserError(f"{file}: a pipe or a device, which can't be read more than once. Write it to a file.")
    if not file.is_file():
        raise UserError(f"{file}: no such file. Check the path (it is looked up from {Path.cwd()}).")
    try:
        return opened(file, text_format)
    except OSError as error:
        raise UserError(
            f"{file}: can't be read ({error.strerror or error}). Check its permissions and content."
        ) from error


def _reader(file: DataFile) -> Callable[[DataFile], list[PlacedRow]]:
    if file.ending == TEXT and file.text_format.separator:
        return read_separated
    if file.ending not in READERS:
        raise UserError(f"{file.name}: unknown kind of file ({file.ending!r}).{nearest(file.ending, READERS)}")
    return READERS[file.ending]


def _read_text(file: DataFile) -> list[PlacedRow]:
    return [PlacedRow({"id": Path(file.name).name, "text": file.text()}, file.name)]


def _of_class(path: Path, file: DataFile) -> PlacedRow:
    """Read a text whose folder is its class."""
    label = path.parent.name
    return PlacedRow({"id": f"{label}/{path.name}", "text": file.text(), "label": label}, file.name)


def _names_of(files: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each file; if names repeat, the path below the folder of all."""
    if len({file.name for file in files}) == len(files):
        return {file: file.name for file in files}
    folder = commonpath([file.parent for file in files])
    return {file: str(file.relative_to(folder)) for file in files}


def _told_apart(rows: list[PlacedRow], name: str, file: DataFile) -> list[PlacedRow]:
    """Identify a text by the file's name, and a document of a column file too, since each file counts its own."""
    for row in rows:
        if file.ending in COLUMN_FILES and DOCUMENT in row:
            row[DOCUMENT] = f"{name} {row[DOCUMENT]}"
        elif _reader(file) is _read_text:
            row["id"] = name
    return rows


def _read_columns(file: DataFile) -> list[PlacedRow]:
    found, problems = sentences(file.text())
    refuse(f"{file.name}, {problem}" for problem in problems)
    return [PlacedRow(sentence.row(), f"{file.name}, line {sentence.line}") for sentence in found]


READERS: Mapping[str, Callable[[DataFile], list[PlacedRow]]] = {
    **dict.fromkeys(USUAL, read_separated),
    **dict.fromkeys((".jsonl", ".ndjson"), read_json_lines),
    ".json": read_json,
    ".parquet": read_parquet,
    **dict.fromkeys((".arrow", ".feather"), read_arrow),
    ".xlsx": read_xlsx,
    TEXT: _read_text,
    **dict.fromkeys(COLUMN_FILES, _read_columns),
}
"""Readers of files, by ending."""
