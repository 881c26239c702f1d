"""Numbers with a decimal comma, "3,5" for 3.5, if a whole column is written like that."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"[-+]?[0-9]+(,[0-9]+)?")
_MAY_BE_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")


def has_decimal_commas(fields: Iterable[object]) -> bool:
    """Return whether fields are numbers with decimal commas: some have one, and none has a point.

    Numbers such as "1,500" alone don't show it, since the comma may separate thousands. Blank fields don't count.

    >>> has_decimal_commas(["3,5", "4", ""]), has_decimal_commas(["3,5", "4.5"]), has_decimal_commas(["1,500", "80"])
    (True, False, False)
    """
    texts = [text for field in fields if (text := _text(field))]
    return all(map(_NUMBER.fullmatch, texts)) and any("," in text and not may_be_thousands(text) for text in texts)


def may_be_thousands(text: str) -> bool:
    """Return whether the comma in a text may be a decimal comma or separate thousands.

    >>> may_be_thousands("1,500"), may_be_thousands("0,500"), may_be_thousands("1,5")
    (True, False, False)
    """
    return _MAY_BE_THOUSANDS.fullmatch(text.strip()) is not None


def with_point(text: str) -> str:
    """Return a number that is written with a decimal comma with a point; unchanged if it is none.

    >>> with_point(" -3,5"), with_point("1,500,000"), with_point("3.5")
    ('-3.5', '1,500,000', '3.5')
    """
    stripped = text.strip()
    return stripped.replace(",", ".") if _NUMBER.fullmatch(stripped) else text


def _text(field: object) -> str:
    """Return a field as text; empty if it is missing or not a number in a column of numbers."""
    if field is None or field != field:
        return ""
    return str(int(field)) if isinstance(field, float) and field.is_integer() else str(field).strip()
