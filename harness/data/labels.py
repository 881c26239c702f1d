"""Label names in fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

SEPARATOR = "|"


def sorted_names(fields: Iterable[object]) -> tuple[str, ...]:
    """The names of the labels in some fields, sorted, numbers by their value: "2" comes before "10"."""
    return tuple(sorted({name for field in fields if (name := label_name(field)) is not None}, key=_by_number_first))


def label_name(field: object) -> str | None:
    """What a field calls its label: text as it stands, a whole number without decimals; None where it has none.

    >>> label_name(3.0), label_name("good"), label_name(float("nan"))
    ('3', 'good', None)
    """
    if isinstance(field, float):
        if not math.isfinite(field):
            return None
        return str(int(field)) if field.is_integer() else str(field)
    if isinstance(field, str | int):
        return str(field) or None
    return None


def several(field: object) -> Sequence[object] | None:
    """The items of a field with several labels, a list or text such as "a|b"; None for any other field."""
    if isinstance(field, str):
        return [item.strip() for item in field.split(SEPARATOR)] if field.strip() else []
    return field if isinstance(field, list | tuple) else None


def _by_number_first(name: str) -> tuple[bool, float, str]:
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name
