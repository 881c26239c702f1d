"""Fields: texts, numbers and labels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from harness.data.decimal_commas import may_be_thousands, with_point
from harness.data.labels import label_name
from harness.data.task import Decimal, Row
from harness.errors import nearest

# Larger numbers would soon make 32-bit weights infinite.
MOST = 1e30
# Digits with usual additions around and between them.
_BEFORE, _AFTER = r"[^\W\d_]{0,4}\.?[^\w\s]{0,2}\s*[-+]?", r"\s*[^\W\d_]{0,4}\.?[^\w\s]{0,2}"
_AMOUNT = re.compile(_BEFORE + r"[0-9][0-9.,' \u00a0\u202f\u2019]*" + _AFTER)


class FieldError(Exception):
    """A field that can't be read. The message says what is wrong and what to do; the reader of rows adds the place."""


class UnknownLabelError(FieldError):
    """A label that is not among the known ones."""

    def __init__(self, column: str, label: str, labels: Sequence[str]) -> None:
        super().__init__(column, label, labels)
        self.column, self.label, self.labels = column, label, labels

    def __str__(self) -> str:
        # Made only if it is shown: to look for the nearest of many labels takes a while, and there may be many rows.
        advice = nearest(self.label, self.labels)
        return f"{self.column}: label {self.label!r:.100} is not among those of the training data or task.{advice}"


def is_blank(field: object) -> bool:
    """Return whether a field is empty: missing, blank text, a list or object without others, or NaN among numbers.

    >>> is_blank(" "), is_blank(float("nan")), is_blank([""]), is_blank({"text": []}), is_blank(0)
    (True, True, True, True, False)
    """
    if isinstance(field, list | tuple | Mapping):
        return all(map(is_blank, field.values() if isinstance(field, Mapping) else field))
    if isinstance(field, str):
        return not field.strip()
    return field is None or (isinstance(field, float) and math.isnan(field))


def text_field(row: Row, column: str) -> str:
    """Return the text in a column. A list of texts is joined by line breaks.

    Raises:
        FieldError: If the field is not text.
    """
    field = row[column]
    if isinstance(field, str):
        return whole_text(field, column)
    if isinstance(field, list) and all(isinstance(item, str) for item in field):
        return whole_text("\n".join(field), column)
    is_number = isinstance(field, int | float) and field == field
    advice = (
        "Write a number in quotes, or name another column." if is_number else "Fill the field, or leave the row out."
    )
    raise FieldError(f"{column}: not text (got {field!r:.100}). {advice}")


def whole_text(text: str, column: str) -> str:
    """Check that a text has no halves of characters (lone surrogates), which no file can contain, and return it.

    Raises:
        FieldError: If it has some.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):x}"
        raise FieldError(
            f"{column}: half of a character, {half}, at {error.start} (got {text!a:.60}). Fix it."
        ) from error
    return text


def number_field(field: object, column: str, *, decimal: Decimal = "point") -> float:
    """Return the finite number in a field, written as a number or as text.

    Args:
        field: The field.
        column: Its column, for messages.
        decimal: What stands before the decimals of a number that is written as text.

    Raises:
        FieldError: If the field is not such a number, or too large for a model's weights.
    """
    number = _number(field, decimal)
    if isinstance(field, str) and not math.isfinite(number) and _AMOUNT.fullmatch(field.strip()):
        raise FieldError(f"{column}: {_why_no_number(field, decimal)}")
    if not math.isfinite(number):
        raise FieldError(
            f"{column}: not a finite number (got {field!r:.100}). Give a number, or choose another task type."
        )
    if abs(number) > MOST:
        raise FieldError(f"{column}: a number beyond {MOST:g} (got {field!r}). Give the column in larger units.")
    return number


def _number(field: object, decimal: Decimal) -> float:
    """Return the number in a field; NaN if it is none."""
    if isinstance(field, str) and decimal == "comma":
        field = None if "." in field else with_point(field)
    try:
        return float(field) if isinstance(field, int | float | str) and not isinstance(field, bool) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _why_no_number(field: str, decimal: Decimal) -> str:
    """Say why digits with other characters between or around them are no number, and what to write."""
    point = with_point(field)
    if decimal == "comma" and field.count(".") == 1 and "," not in field:
        return f"a point (got {field!r}) among numbers with a decimal comma. Write all numbers of the column alike."
    if decimal == "point" and may_be_thousands(field):
        return (
            f"a comma that may stand before decimals or between thousands (got {field!r}). Write {point} or "
            f"{field.strip().replace(',', '')}; or set decimal to comma (--decimal comma), which reads {point}."
        )
    if decimal == "point" and point != field:
        return (
            f"a decimal comma (got {field!r}), which not all numbers of the column have. Write a point in its place, "
            f"such as {point}."
        )
    return (
        f"a number with a currency, a unit or separators between thousands (got {field!r}). "
        f"Write digits alone, with a {decimal} before decimals, such as {'1234.5' if decimal == 'point' else '1234,5'}."
    )


def label_index(field: object, column: str, labels: Sequence[str], *, named: bool) -> int:
    """Return the index of a label, looked up by name or, if the task names the labels, given as an index.

    Raises:
        FieldError: If the field has no label, or an unknown one.
    """
    if named and isinstance(field, int) and not isinstance(field, bool):
        if field == -1:
            raise FieldError(f"{column}: label -1, which stands for a withheld one. Use a split with public labels.")
        if not 0 <= field < len(labels):
            raise FieldError(
                f"{column}: label index {field}, but there are {len(labels)} labels. Fix the row or the labels."
            )
        return field
    name = field if isinstance(field, str) and field in labels else label_name(field)
    if name is None:
        raise FieldError(f"{column}: no label (got {field!r:.100}). Fill the field, or leave the row out.")
    if name not in labels:
        raise UnknownLabelError(column, name, labels)
    return labels.index(name)
