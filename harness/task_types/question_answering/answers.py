"""Read answers of a question, in any usual form, with their positions in the context."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.data.fields import FieldError
from harness.data.written_values import NotWrittenError, is_bracketed, written_value
from harness.task_types.question_answering.examples import Answer

REPEATED = "answers that occur several times in their context (the first place is taken)"
MOVED = "answers moved to the place where they occur"
_MEANT = re.compile(r"""\{\s*["'](text|answer_start)["']""")


@dataclass(frozen=True)
class ReadAnswers:
    """Answers with their positions (-1 if not in the context), and counts of the choices that had to be made."""

    answers: tuple[Answer, ...]
    notes: Counter[str]


def is_written(field: object) -> bool:
    """Return whether a field contains answers with their positions, possibly as text."""
    return isinstance(field, dict) or (isinstance(field, str) and bool(_MEANT.search(field)))


def read_answers(field: object, context: str) -> ReadAnswers:
    """Read the answers in a field; none means unanswerable.

    Args:
        field: SQuAD's form {"text": [...], "answer_start": [...]}, also with one of each; a list of these; a text; a
            list of texts; any of these written as JSON or as Python prints it, as in a CSV file; or None.
        context: The text that contains the answers.

    Raises:
        FieldError: If the field has another form.
    """
    notes: Counter[str] = Counter()
    given = _given(field, context)
    answers = tuple(_placed(text, start, context, notes) for text, start in given if text.strip())
    return ReadAnswers(answers, +notes)


def _given(field: object, context: str) -> Iterator[tuple[str, int | None]]:
    """Yield each answer's text, and its start if given."""
    for item in _items(field, context):
        if isinstance(item, Mapping):
            yield from _paired(item, context)
        elif isinstance(item, str):
            yield item, None
        else:
            raise FieldError(f"answers: not a text (got {item!r:.100}). Fix the row.")


def _paired(answer: Mapping[str, object], context: str) -> Iterator[tuple[str, int | None]]:
    """Yield the texts and starts of an object with one of each or a list of each."""
    if "text" not in answer:
        raise FieldError(f"answers: no 'text' (got {dict(answer)!r:.100}). Fix the row.")
    texts, given = _items(answer["text"], context), _parsed(answer.get("answer_start"))
    starts = given if isinstance(given, list) else [given] * (len(texts) if _is_missing(given) else 1)
    if len(starts) != len(texts):
        raise FieldError(
            f"answers: 'text' and 'answer_start' are not of one length ({len(texts)}, {len(starts)}). Fix the row."
        )
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str):
            raise FieldError(f"answers: not a text and a start (got {text!r:.100}, {start!r:.100}). Fix the row.")
        yield text, _start(start)


def _items(field: object, context: str) -> list[object]:
    """Return the items of a list, or a single item; empty if the field is missing."""
    field = _parsed(field, context)
    if isinstance(field, list):
        return field
    return [] if _is_missing(field) else [field]


def _parsed(field: object, context: str = "") -> object:
    """Parse a field whose text is a list or dictionary of answers; return any other field unchanged.

    A text in brackets that occurs in the context is an answer, not a list.

    Raises:
        FieldError: If the text looks like such a value but cannot be read.
    """
    if not isinstance(field, str) or not is_bracketed(field) or field in context:
        return field
    try:
        found = written_value(field)
    except NotWrittenError as error:
        if _MEANT.search(field):
            raise FieldError(f"answers: can't be read ({error}; got {field!r:.100}). Write JSON.") from error
        return field
    is_answers = isinstance(found, dict) and "text" in found
    items = found if isinstance(found, list) else [None]
    return found if is_answers or all(isinstance(item, str | dict | int | float) for item in items) else field


def _is_missing(field: object) -> bool:
    return field is None or field == "" or (isinstance(field, float) and math.isnan(field))


def _start(field: object) -> int | None:
    """Return the start in a field, a whole number in any spelling; None if it is missing or -1."""
    if _is_missing(field):
        return None
    try:
        number = float(field) if isinstance(field, int | float | str) and not isinstance(field, bool) else math.inf
    except (ValueError, OverflowError):
        number = math.inf
    if number == -1:
        return None
    if not number.is_integer():
        raise FieldError(f"answers: not a place in the context (got {field!r:.100}). Give a whole number.")
    return int(number)


def _placed(text: str, start: int | None, context: str, notes: Counter[str]) -> Answer:
    """Return the answer at the given start if it is there, else at the nearest position (or the first), else at -1.

    If no start is given, whole words are preferred: "ham" is not found in "Birmingham" if it also occurs as a word.
    """
    places = list(_occurrences(text, context))
    if start is None:
        places = [place for place in places if _stands_alone(text, place, context)] or places
    if not places:
        return Answer(text, -1)
    if start is None:
        notes[REPEATED] += len(places) > 1
        return Answer(text, places[0])
    nearest = min(places, key=lambda place: abs(place - start))
    notes[MOVED] += nearest != start
    return Answer(text, nearest)


def _stands_alone(text: str, place: int, context: str) -> bool:
    around = context[max(place - 1, 0) : place] + context[place + len(text) : place + len(text) + 1]
    return not any(character.isalnum() for character in around)


def _occurrences(text: str, context: str) -> Iterator[int]:
    place = context.find(text)
    while place >= 0:
        yield place
        place = context.find(text, place + 1)
