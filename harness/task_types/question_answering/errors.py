"""Aspects of questions for error analysis: answerability, answer length, question word, and position of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.task_types.analysed import Aspect, by_length, in_order
from harness.task_types.question_answering.examples import QuestionExample

ANSWERABLE = ("answerable", "unanswerable")
LENGTHS = {1: "1 word", 2: "2 words", 5: "3 to 5 words"}
QUESTION_WORDS = ("who", "what", "when", "where", "which", "why", "how")
SPELLINGS = {"whom": "who", "whose": "who"}
OTHER = "other"
QUARTERS = ("first quarter", "second quarter", "third quarter", "last quarter")
_WORD = re.compile(rf"\b({'|'.join([*QUESTION_WORDS, *SPELLINGS])})\b")


def recorded_aspects(table: Any) -> Iterator[Aspect]:
    """Yield whether there is an answer, and the number of words in the first one."""
    references = table["reference"].to_pylist()
    yield in_order("answerable", [ANSWERABLE[not known] for known in references], ANSWERABLE)
    yield by_length("answer length", [known[0] if known else None for known in references], LENGTHS)


def read_aspects(examples: Sequence[QuestionExample]) -> Iterator[Aspect]:
    """Yield the question word, and the quarter of the context in which the first answer begins."""
    words = [question_word(example.question) for example in examples]
    yield in_order("question word", words, (*QUESTION_WORDS, OTHER))
    yield in_order("evidence position", list(map(_quarter, examples)), QUARTERS)


def question_word(question: str) -> str:
    """Return the first English question word in a question, or "other".

    >>> question_word("In which year was it?"), question_word("Whose is it?"), question_word("Wer war es?")
    ('which', 'who', 'other')
    """
    found = _WORD.search(question.lower())
    return SPELLINGS.get(found[1], found[1]) if found else OTHER


def _quarter(example: QuestionExample) -> str | None:
    start = next((answer.start for answer in example.answers if answer.start >= 0), None)
    return None if start is None else QUARTERS[min(4 * start // max(len(example.context), 1), 3)]
