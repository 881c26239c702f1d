"""Answers that no model can predict exactly, and the reasons: position, tokenization, windows or length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.metrics import exact_match
from harness.task_types.question_answering.spans import whole_letters
from harness.task_types.question_answering.targets import tokens_of
from harness.tokenization.reading import Document, max_context_positions

NOT_IN_CONTEXT = "not in the context"
SPELT_OTHERWISE = "spelt otherwise by the tokens"
BEYOND_WINDOWS = "beyond max_windows"
IN_NO_WINDOW = "whole in no window"
TOO_LONG = "longer than longest_answer"


def unreachable_answers(
    examples: Sequence[QuestionExample], documents: Sequence[Document], longest: int
) -> Counter[str]:
    """Count the answerable questions with no predictable answer, by the reason for their first answer."""
    pairs = zip(examples, documents, strict=True)
    reasons = (_reason(example, document, longest) for example, document in pairs)
    return Counter(reason for reason in reasons if reason is not None)


def _reason(example: QuestionExample, document: Document, longest: int) -> str | None:
    first = None
    for answer in sorted(example.answers, key=lambda known: known.start < 0):
        reason = _why(answer, example.context, document, longest)
        if reason is None:
            return None
        first = first or reason
    return first


def _why(answer: Answer, context: str, document: Document, longest: int) -> str | None:
    """Return the reason why this answer cannot be predicted; None if it can."""
    if answer.start < 0:
        return NOT_IN_CONTEXT
    tokens = tokens_of(answer, document)
    if not tokens or not _spells(answer, context, document, tokens):
        return SPELT_OTHERWISE
    if tokens[-1] > document.windows[-1].positions[-1]:
        return BEYOND_WINDOWS
    if not _is_whole_in_a_window(tokens, document):
        return IN_NO_WINDOW
    return TOO_LONG if len(tokens) > longest else None


def _spells(answer: Answer, context: str, document: Document, tokens: range) -> bool:
    start, end = whole_letters(context, document.offsets[tokens[0]][0], document.offsets[tokens[-1]][1])
    return exact_match([answer.text], context[start:end]) == 1


def _is_whole_in_a_window(tokens: range, document: Document) -> bool:
    """Return whether a window in which an answer may start at its first token also contains the other tokens."""
    return any(
        tokens[0] in max_context_positions(index, document) and tokens[-1] <= window.positions[-1]
        for index, window in enumerate(document.windows)
        if window.positions
    )
