"""Read choices from the fields of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.data.fields import FieldError, whole_text
from harness.data.labels import label_name
from harness.data.task import Row
from harness.data.written_values import NotWrittenError, is_bracketed, written_value

FEWEST = 2
# The keys of a field of named choices, as in CommonsenseQA and ARC.
TEXTS, NAMES = "text", "label"


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of a row.

    Attributes:
        texts: The text of each choice.
        names: The names of the choices in the row, such as letters; empty if there are none.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...] = ()


def choices_of(row: Row, columns: Sequence[str]) -> Choices:
    """Read the choices of a row: one in each of several columns, or in one column a list or one per line.

    Empty fields after the last choice are ignored, so that questions may have fewer choices than there are columns. A
    number is read as written.

    Raises:
        FieldError: If there are fewer than two choices, an empty one before another, or a field is not text.
    """
    shown = ", ".join(columns)
    fields, names = _listed(row[columns[0]], shown) if len(columns) == 1 else ([row[name] for name in columns], ())
    texts = [_text(field, shown, place) for place, field in enumerate(fields, start=1)]
    while texts and not texts[-1].strip():
        texts.pop()
    empty = next((place for place, text in enumerate(texts, start=1) if not text.strip()), None)
    if empty is not None:
        raise FieldError(f"{shown}: choice {empty} of {len(texts)} is empty. Fill it, or move the others up.")
    if len(texts) < FEWEST:
        raise FieldError(f"{shown}: a question needs two choices (got {len(texts)}). Add some, or leave the row out.")
    if names and len(names) != len(fields):
        raise FieldError(f"{shown}: {len(fields)} choices, but {len(names)} names ({NAMES}). Fix the row.")
    return Choices(tuple(texts), names[: len(texts)])


def _listed(field: object, column: str) -> tuple[Sequence[object], tuple[str, ...]]:
    """Return the items of a list, and their names if it has any."""
    if isinstance(field, str) and is_bracketed(field):
        try:
            field = written_value(field)
        except NotWrittenError as error:
            raise FieldError(f"{column}: no list of choices (got {field!r:.80}; {error}). Fix the field.") from error
    if isinstance(field, str) and "\n" in field.strip():
        return field.strip().split("\n"), ()
    if isinstance(field, Mapping) and isinstance(field.get(TEXTS), list | tuple):
        names = field.get(NAMES)
        return field[TEXTS], tuple(map(str, names)) if isinstance(names, list | tuple) else ()
    if isinstance(field, list | tuple):
        are_named = bool(field) and all(isinstance(item, Mapping) and {TEXTS, NAMES} <= item.keys() for item in field)
        return (
            ([item[TEXTS] for item in field], tuple(str(item[NAMES]) for item in field)) if are_named else (field, ())
        )
    raise FieldError(
        f"{column}: no list of choices (got {field!r:.80}). Give a list, or a line for each, or name a column for each."
    )


def _text(field: object, column: str, place: int) -> str:
    if isinstance(field, str):
        return whole_text(field, column)
    if field is None or field != field:  # An empty field of a spreadsheet is NaN.
        return ""
    if isinstance(field, int | float):
        return label_name(field) or ""
    raise FieldError(f"{column}: choice {place} is not text (got {field!r:.80}). Fix the field.")
