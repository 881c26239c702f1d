"""Label names in fields."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from harness.counted import counted_are
from harness.data.decimal_commas import has_decimal_commas, with_point
from harness.data.duplicates import normalised

SHOWN_TWINS = 5
MISSING = {"nan", "na", "n/a", "#n/a", "<na>", "null"}
_WHOLE = re.compile(r"([+-]?[0-9]{1,300})\.0*")
# A list in Python or JSON: empty, with quoted items, or with numbers.
_LISTED = re.compile(r"\[\s*\]|\[\s*['\"].*['\"]\s*\]|\[[-+0-9.\s,]*\]", re.DOTALL)


def sorted_names(fields: Iterable[object]) -> tuple[str, ...]:
    """Return the names of the labels in fields, sorted, with numbers by value: "2" comes before "10"."""
    return tuple(sorted({name for field in fields if (name := label_name(field)) is not None}, key=_by_number_first))


def label_name(field: object) -> str | None:
    """Return the name of a field's label; None if it has none.

    Surrounding blanks are removed, and whole numbers have no decimals, so that a label has the same name in every file
    format.

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
    """Report how labels are normalized, in one sentence or none."""
    spelt = Counter(field for field in fields if isinstance(field, str))
    renamed = {text: name for text in spelt if (name := label_name(text)) not in (None, text)}
    if renamed:
        text, name = next(iter(renamed.items()))
        count = sum(spelt[text] for text in renamed)
        numbers = " and whole numbers without decimals" if any(_number(name) is not None for name in renamed) else ""
        yield f"{counted_are(count, 'label')} read without blanks at their ends{numbers}: {text!r} as {name!r}"


def twin_notes(names: Iterable[str]) -> Iterator[str]:
    """Report labels that may be the same: they differ only in case or in how a number is written."""
    alike: defaultdict[object, list[str]] = defaultdict(list)
    for name in names:
        alike[_meant(name)].append(name)
    twins = [" and ".join(f"{name!r:.100}" for name in group) for group in alike.values() if len(group) > 1]
    if twins:
        more = f" and {len(twins) - SHOWN_TWINS:,} more" if len(twins) > SHOWN_TWINS else ""
        shown = f"{', '.join(twins[:SHOWN_TWINS])}{more}"
        yield f"labels that differ only in spelling are two classes ({shown}): rename them if they are one"


def missing_notes(names: Iterable[str]) -> Iterator[str]:
    """Report labels that other programs write for a missing one."""
    found = [repr(name) for name in names if name.casefold() in MISSING]
    if found:
        yield f"a missing label is written as an empty field, so these are labels like others: {', '.join(found)}"


def are_measured(fields: Sequence[object]) -> bool:
    """Return whether labels are measured numbers rather than classes.

    They are if there are more than twenty, most rows have a unique one, and they are not roughly consecutive.
    """
    names = Counter(name for field in fields if (name := label_name(field)) is not None)
    commas = has_decimal_commas(names)
    numbers = [number for name in names if (number := _number(with_point(name) if commas else name)) is not None]
    once = sum(count == 1 for count in names.values())
    if len(numbers) < len(names) or len(names) <= 20 or 2 * once <= len(fields):
        return False
    return not all(map(float.is_integer, numbers)) or max(numbers) - min(numbers) >= 2 * len(numbers)


def is_list(field: object) -> bool:
    """Return whether a field is a list, as such or as text in brackets.

    >>> is_list(["sport"]), is_list("['sport', 'food']"), is_list("[deleted]")
    (True, True, False)
    """
    if isinstance(field, list | tuple):
        return True
    return isinstance(field, str) and bool(_LISTED.fullmatch(field.strip()))


def is_number(name: str) -> bool:
    """Return whether the name of a label spells a finite number."""
    return _number(name) is not None


def _meant(name: str) -> object:
    number = _number(name)
    return normalised(name) if number is None else number


def _by_number_first(name: str) -> tuple[bool, float, str]:
    number = _number(name)
    return number is None, number or 0.0, name


def _number(name: str) -> float | None:
    """Return the finite number that a name spells; None if it spells none."""
    try:
        number = float(name)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
