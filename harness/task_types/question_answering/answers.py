"""Answers of a question, in any of the forms they come in, with their places in the context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.data.fields import FieldError
from harness.task_types.question_answering.examples import Answer

REPEATED = "answers that occur several times in their context (the first place is taken)"
MOVED = "answers moved to the place where they occur"


@dataclass(frozen=True)
class ReadAnswers:
    """Answers with their places (-1: not in the context), and how often something had to be decided."""

    answers: tuple[Answer, ...]
    notes: Counter[str]


def read_answers(field: object, context: str) -> ReadAnswers:
    """The answers in a field; none means unanswerable.

    Args:
        field: SQuAD's form {"text": [...], "answer_start": [...]}, a text, a list of texts, or None.
        context: The text that holds the answers.

    Raises:
        FieldError: The field has another form.
    """
    notes: Counter[str] = Counter()
    answers = tuple(_placed(text, start, context, notes) for text, start in _given(field) if text.strip())
    return ReadAnswers(answers, +notes)


def _given(field: object) -> Iterator[tuple[str, int | None]]:
    """Each answer's text, and its start where one is given."""
    if field is None:
        return
    if isinstance(field, Mapping):
        texts, starts = field.get("text"), field.get("answer_start")
        if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
            raise FieldError("answers: 'text' and 'answer_start' are not two lists of one length. Fix the row.")
        given = list(zip(texts, starts, strict=True))
    else:
        given = [(text, None) for text in (field if isinstance(field, list) else [field])]
    for text, start in given:
        if not isinstance(text, str) or not isinstance(start, int | None):
            raise FieldError(f"answers: not a text and a start (got {text!r}, {start!r}). Fix the row.")
        yield text, start


def _placed(text: str, start: int | None, context: str, notes: Counter[str]) -> Answer:
    """The answer at its stated start if it is there, else at the nearest place (unstated: the first), else at -1.

    Where a start isn't stated, whole words are preferred: "ham" isn't found in "Birmingham" if it also stands alone.
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
