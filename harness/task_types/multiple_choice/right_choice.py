"""The right choice: a letter, a number or the choice's own text, the same way throughout a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.data.fields import FieldError
from harness.data.labels import label_name
from harness.errors import UserError
from harness.task_types.multiple_choice.examples import letter
from harness.task_types.multiple_choice.fields import Choices

WITHHELD = "-1"
_MARKS = "()[].:"

Names = tuple[str, ...]
"""The names of the choices by place; empty if choices are named by their texts."""

# Ways to name a choice by its place, with their descriptions for users.
WAYS: dict[str, Callable[[int], str]] = {
    "as a letter, A for the first choice": letter,
    "as a number, 0 for the first choice": str,
    "as a number, 1 for the first choice": lambda place: str(place + 1),
}
BY_TEXT = "as the text of the choice"


def spelling(rows: Iterable[tuple[object, Choices]], column: str) -> Names:
    """Detect how a data set gives the right choice: the way that most of its rows can be read.

    Ties go to the text of a choice first, then to letters and numbers.

    Raises:
        UserError: If numbers may count from 0 or from 1, and no row decides it.
    """
    known = [(name, choices) for field, choices in rows if (name := label_name(field)) and not choices.names]
    if not known:
        return ()
    most = max(len(choices.texts) for _, choices in known)
    ways: list[Names] = [(), *(tuple(map(way, range(most))) for way in WAYS.values())]
    fits = [sum(place_in(name, choices, way) is not None for name, choices in known) for way in ways]
    best = ways[fits.index(max(fits))]
    if best == ways[2] and max(fits) == fits[3]:
        numbers = sorted({name for name, _ in known})
        raise UserError(
            f"{column}: whole numbers that may count from 0 or from 1 ({', '.join(numbers[:4])}). "
            "Give the right choice as a letter or by its text."
        )
    return best


def described(names: Names) -> str:
    """Describe how a data set with these names gives the right choice."""
    return next((how for how, way in WAYS.items() if names and names[0] == way(0)), BY_TEXT)


def _called(names: Names, count: int) -> Names:
    """Return the names of `count` choices, which may be more than any training row has."""
    way = next((way for way in WAYS.values() if names and names[0] == way(0)), None)
    return names[:count] if way is None else tuple(map(way, range(count)))


def place_in(name: str, choices: Choices, names: Names) -> int | None:
    """Return the place of the choice named `name`; None if there is none or several."""
    if known := choices.names or _called(names, len(choices.texts)):
        found = [place for place, other in enumerate(known) if _plain(other) == _plain(name)]
    else:
        found = [place for place, text in enumerate(choices.texts) if label_name(text) == name]
    return found[0] if len(found) == 1 else None


def right_place(field: object, column: str, choices: Choices, names: Names) -> int:
    """Return the place of the right choice.

    Raises:
        FieldError: If the row has no label, or one that names none of its choices.
    """
    name = label_name(field)
    if name is None:
        raise FieldError(f"{column}: no label (got {field!r:.100}). Fill the field, or leave the row out.")
    place = place_in(name, choices, names)
    if place is not None:
        return place
    if name == WITHHELD:
        raise FieldError(f"{column}: label -1, which stands for a withheld one. Use a split with public labels.")
    known = choices.names or names[: len(choices.texts)]
    called = f"which are called {', '.join(known)}" if known else f"such as {_shown(choices.texts)}"
    if not known and sum(label_name(text) == name for text in choices.texts) > 1:
        raise FieldError(f"{column}: {name!r:.80} is the text of several choices. Give the right one as a letter.")
    raise FieldError(
        f"{column}: {name!r:.80} is none of the row's {len(choices.texts)} choices, {called}. Fix the row."
    )


def _plain(name: str) -> str:
    """Strip a name of parentheses and punctuation, as in (a) or B., and casefold it."""
    return name.strip().strip(_MARKS).strip().casefold()


def _shown(texts: Sequence[str]) -> str:
    return repr(texts[0] if len(texts[0]) <= 60 else f"{texts[0][:60]}…")
