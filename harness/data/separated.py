"""Rows out of csv and tsv files, with the line of every mistake."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Literal

from harness.data.content import DataFile
from harness.data.placed_rows import PlacedRow, table
from harness.errors import UserError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
USUAL = {".csv": ",", ".tsv": "\t"}
_LOOKED_AT, _PIECE = 50, 1_000_000

Record = tuple[int, list[str]]


def named_separator(name: str) -> str:
    r"""The separator that a user means: a character, or its name.

    >>> named_separator("tab"), named_separator(r"\t"), named_separator(";")
    ('\t', '\t', ';')
    """
    return {called: sign for sign, called in SEPARATORS.items()}.get(name, "\t" if name == "\\t" else name)


def read_separated(file: DataFile) -> list[PlacedRow]:
    """The rows of a csv or tsv file, its fields all text ("" is an empty text).

    Where the user names no separator, it is the one of the file's ending, or another one if that is the one by which
    most of the first lines have as many fields as the header. Quotes follow the csv rules; in a file that is parted by
    tabs they are characters as soon as they break these rules.

    Raises:
        UserError: Some of its lines are broken.
    """
    text = file.text()
    with _long_fields():
        separator = file.text_format.separator
        if separator is None:
            separator = _guessed(text, usual=USUAL.get(file.ending, ","))
            if separator != USUAL.get(file.ending):
                file.guesses.append(f"separator {SEPARATORS[separator]}")
        records = _by_tabs(file.name, text) if separator == "\t" else list(_records(file.name, text, separator))
    while records and not records[-1][1]:
        records.pop()  # blank lines at the end of a file are no rows
    if not records:
        return []
    (_, header), *body = records
    return table(header, ((f"{file.name}, line {line}", fields) for line, fields in body))


def _guessed(text: str, *, usual: str) -> str:
    """The separator by which most of the first lines have as many fields as the header; in doubt the usual one."""
    shares = {separator: _regular(text, separator) for separator in sorted(SEPARATORS, key=lambda sign: sign != usual)}
    return usual if shares[usual] > 0.5 else max(shares, key=lambda separator: shares[separator])


def _regular(text: str, separator: str) -> float:
    """The share of the first records that have as many fields as the header; 0 where that has but one."""
    first: list[int] = []
    with suppress(UserError):  # The piece may end within a quoted field.
        first += (len(fields) for _, fields in islice(_records("", text[:_PIECE], separator), _LOOKED_AT))
    return first.count(first[0]) / len(first) if first and first[0] > 1 else 0.0


def _by_tabs(name: str, text: str) -> list[Record]:
    """The records of a file that is parted by tabs, where quotes may be characters.

    They are where each line has as many fields as the header that way, and a field begins with a quote that does not
    end with it: by the csv rules it would swallow what comes after. They are as well where the csv rules can't be kept.
    """
    plain = list(_records(name, text, "\t", quoted=False))
    if '"' not in text:
        return plain
    is_regular = len({len(fields) for _, fields in plain if fields}) < 2
    if is_regular and not all(_well_quoted(field) for _, fields in plain for field in fields):
        return plain
    try:
        return list(_records(name, text, "\t"))
    except UserError:
        return plain


def _well_quoted(field: str) -> bool:
    """Whether the csv rules can read a field: no quote at its beginning, or one at both ends and pairs between."""
    if not field.startswith('"'):
        return True
    return len(field) > 1 and field.endswith('"') and '"' not in field[1:-1].replace('""', "")


def _records(name: str, text: str, separator: str, *, quoted: bool = True) -> Iterator[Record]:
    """Every record with the line on which it starts (a quoted field may run over several lines)."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting, strict=True)
    line = 1
    try:
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{name}, line {line}: broken row ({error}). Fix its quotes.") from error


@contextmanager
def _long_fields() -> Iterator[None]:
    """The csv module refuses fields over 131,072 characters; documents are longer than that."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)
