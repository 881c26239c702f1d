"""Label names in fields."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from harness.data.duplicates import normalised

_WHOLE = re.compile(r"([+-]?[0-9]{1,300})\.0*")
# Of Python or JSON: nothing, or items in quotes, or numbers.
_LISTED = re.compile(r"\[\s*\]|\[\s*['\"].*['\"]\s*\]|\[[-+0-9.\s,]*\]", re.DOTALL)


def sorted_names(fields: Iterable[object]) -> tuple[str, ...]:
    """The names of the labels in some fields, sorted, numbers by their value: "2" comes before "10"."""
    return tuple(sorted({name for field in fields if (name := label_name(field)) is not None}, key=_by_number_first))


def label_name(field: object) -> str | None:
    """What a field calls its label; None where it has none.

    It is text without the blanks at its ends, and a whole number without decimals, so that a label has one name
    whatever the form of the file.

    >>> label_name(3.0), label_name("3.00"), label_name("good "), label_name(float("nan"))
    ('3', '3', 'good', None)
    """
    if isinstance(field, float):
        if not math.isfinite(field):
            return None
        return str(int(field)) if field.is_integer() else str(field)
    if isinstance(field, str):
        name = field.strip()
        whole = _WHOLE.fullmatch(name)
        return (str(int(whole[1])) if whole else name) or None
    return str(field) if isinstance(field, int) else None


def spelling_notes(fields: Iterable[object]) -> Iterator[str]:
    """What a reader of the record should know of how labels are spelt: a sentence each.

    Args:
        fields: What holds a label each.
    """
    spelt = Counter(field for field in fields if isinstance(field, str))
    renamed = {text: name for text in spelt if (name := label_name(text)) not in (None, text)}
    if renamed:
        text, name = next(iter(renamed.items()))
        count = sum(spelt[text] for text in renamed)
        yield f"{count:,} labels are read without blanks at their ends and as whole numbers: {text!r} as {name!r}"


def twin_notes(names: Iterable[str]) -> Iterator[str]:
    """A sentence for all labels that may be meant as one: they differ in case or in how a number is written."""
    alike: defaultdict[object, list[str]] = defaultdict(list)
    for name in names:
        alike[_meant(name)].append(name)
    twins = [" and ".join(map(repr, group)) for group in alike.values() if len(group) > 1]
    if twins:
        yield f"labels that differ in spelling alone are two classes ({', '.join(twins)}): rename them if they are one"


def are_measured(fields: Sequence[object]) -> bool:
    """Whether labels are numbers that were measured, not classes.

    They are if there are more than twenty, most rows have one of their own, and they don't count up from somewhere.
    """
    names = Counter(name for field in fields if (name := label_name(field)) is not None)
    numbers = [number for name in names if (number := _number(name)) is not None]
    once = sum(count == 1 for count in names.values())
    if len(numbers) < len(names) or len(names) <= 20 or 2 * once <= len(fields):
        return False
    return not all(map(float.is_integer, numbers)) or max(numbers) - min(numbers) >= 2 * len(numbers)


def is_list(field: object) -> bool:
    """Whether a field holds a list, as such or as text in brackets.

    >>> is_list(["sport"]), is_list("['sport', 'food']"), is_list("[deleted]")
    (True, True, False)
    """
    if isinstance(field, list | tuple):
        return True
    return isinstance(field, str) and bool(_LISTED.fullmatch(field.strip()))


def _meant(name: str) -> object:
    number = _number(name)
    return normalised(name) if number is None else number


def _by_number_first(name: str) -> tuple[bool, float, str]:
    number = _number(name)
    return number is None, number or 0.0, name


def _number(name: str) -> float | None:
    """The finite number that a name is; None where it is none."""
    try:
        number = float(name)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
