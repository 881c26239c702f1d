"""Rows of CSV and TSV files, with the line of every mistake."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Literal

from harness.counted import counted
from harness.data.content import DataFile
from harness.data.placed_rows import PlacedRow, table
from harness.errors import UserError, notice

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
USUAL = {".csv": ",", ".tsv": "\t"}
_NAMED = re.compile(r"sep=(.)\r?\n")
_LOOKED_AT, _PIECE = 50, 1_000_000

Record = tuple[int, list[str]]


def named_separator(name: str) -> str:
    r"""Return the separator for a character or a name.

    >>> named_separator("tab"), named_separator(r"\t"), named_separator(";")
    ('\t', '\t', ';')
    """
    return {called: sign for sign, called in SEPARATORS.items()}.get(name, "\t" if name == "\\t" else name)


def read_separated(file: DataFile) -> list[PlacedRow]:
    """Read the rows of a CSV or TSV file. All fields are text ("" is an empty text).

    If the user gives no separator, it is the one for the file's ending if it gives most of the first lines as many
    fields as the header, or else the one that does so for the most lines. A first line such as "sep=;", which Excel
    reads, names it too. Quotes follow the CSV rules. In a file with tabs, quotes are plain characters if they break
    these rules.

    Raises:
        UserError: If some of its lines are broken.
    """
    text = file.text()
    named = _NAMED.match(text)
    with _long_fields():
        separator = file.text_format.separator or (named[1] if named else None)
        if separator is None:
            separator = _guessed(text, usual=USUAL.get(file.ending, ","))
            if separator != USUAL.get(file.ending):
                file.guesses.append(f"separator {SEPARATORS[separator]}")
        records = (_by_tabs if separator == "\t" else _by_signs)(file.name, text, separator)
    records = _without_empty_ends(records[bool(named) :])
    if not records:
        return []
    (_, header), *body = records
    blank = sum(not fields for _, fields in body) if len(header) > 1 else 0
    if blank:  # In a table of one column, a blank line may be meant as an empty text.
        notice(f"{file.name}: {counted(blank, 'blank line')} between rows left out.")
    lines = ((f"{file.name}, line {line}", fields) for line, fields in body if fields or not blank)
    return table(header, lines)


def _without_empty_ends(records: list[Record]) -> list[Record]:
    """Drop rows without content from both ends, as Excel writes them; a quoted empty text in one column is a row."""
    full = [place for place, (_, fields) in enumerate(records) if any(fields) or fields == [""]]
    return records[full[0] : full[-1] + 1] if full else []


def _guessed(text: str, *, usual: str) -> str:
    """Return the usual separator if most of the first lines have as many fields as the header, else the best one."""
    shares = {separator: _regular(text, separator) for separator in sorted(SEPARATORS, key=lambda sign: sign != usual)}
    return usual if shares[usual] > 0.5 else max(shares, key=lambda separator: shares[separator])


def _regular(text: str, separator: str) -> float:
    """Return the fraction of the first records with as many fields as the header; 0 if it has only one."""
    first: list[int] = []
    with suppress(UserError):  # The piece may end within a quoted field.
        first += (len(fields) for _, fields in islice(_records("", text[:_PIECE], separator), _LOOKED_AT) if fields)
    return first.count(first[0]) / len(first) if first and first[0] > 1 else 0.0


def _by_signs(name: str, text: str, separator: str) -> list[Record]:
    """Return the records of a file; blanks before quotes are left out if all records are then as long as the header."""
    as_they_are = list(_records(name, text, separator))
    if f'{separator} "' in text and any(field.startswith(' "') for _, fields in as_they_are for field in fields):
        with suppress(UserError):
            found = list(_records(name, text, separator, blanks=False))
            if len({len(fields) for _, fields in found if fields}) == 1:
                return found
    return as_they_are


def _by_tabs(name: str, text: str, _separator: str) -> list[Record]:
    """Return the records of a file with tabs, in which quotes may be plain characters.

    They are if every line then has as many fields as the header, and a field starts with a quote but does not end with
    one: by the CSV rules it would swallow what follows. They also are if the file breaks the CSV rules.
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
    """Return whether the CSV rules can read a field: no quote at its start, or one at each end and pairs between."""
    if not field.startswith('"'):
        return True
    return len(field) > 1 and field.endswith('"') and '"' not in field[1:-1].replace('""', "")


def _records(name: str, text: str, separator: str, *, quoted: bool = True, blanks: bool = True) -> Iterator[Record]:
    """Yield every record with the line on which it starts (a quoted field may span several lines).

    Args:
        name: The file.
        text: Its content.
        separator: The separator of fields.
        quoted: Whether quotes have a meaning.
        blanks: Whether blanks after a separator belong to a field.
    """
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    source = io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=separator, quoting=quoting, skipinitialspace=not blanks, strict=True)
    line = 1
    try:
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{name}, line {line}: broken row ({error}). Fix its quotes.") from error


@contextmanager
def _long_fields() -> Iterator[None]:
    """Allow fields over 131,072 characters, which the csv module refuses but documents may have."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)
