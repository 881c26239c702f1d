"""Answers among the tokens of a context: their positions, the position of "no answer", and the scores of all spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.tokenization.reading import Document, Template, Window, max_context_positions


@dataclass(frozen=True, slots=True)
class Target:
    """The position of a window's answer, and the positions where answers may start.

    Attributes:
        start: The position of the first token in the window's input_ids; `no_answer` if the answer is not in it.
        end: The position of the last token; `no_answer` if the answer is not in it.
        no_answer: The position of the special token for "no answer here": [CLS], or without one the first token that
            the tokenizer adds to texts.
        max_context_positions: The positions of the context that have the most context in this window.
        offsets: The characters of the context that each token covers.
    """

    start: int
    end: int
    no_answer: int
    max_context_positions: range
    offsets: Sequence[tuple[int, int]]

    @property
    def held(self) -> bool:
        """Whether the window contains the answer."""
        return self.start != self.no_answer


def span_scores(logits: Tensor, longest: int) -> Tensor:
    """Compute the score of every answer span: its start logit plus its end logit.

    Source: Devlin et al. 2019, section 4.2.

    Args:
        logits: The start and end logits [2, length].
        longest: Maximum number of tokens in a span, including both ends.

    Returns:
        Scores [length, longest] by start and by the number of tokens after it, so that long contexts fit in memory;
        -inf after the last token. There are no more columns than tokens.

    Raises:
        ValueError: If `longest` is below 1.
    """
    if longest < 1:
        raise ValueError(f"longest must be at least 1, got {longest}")
    starts, ends = logits
    columns = min(longest, len(ends))
    return starts[:, None] + functional.pad(ends, (0, columns - 1), value=-torch.inf).unfold(0, columns, 1)


def targets_of(document: Document, tokens: range, template: Template, cls_id: int | None) -> list[Target]:
    """Locate the answer, given by its tokens in the context, in each window."""
    targets = []
    for index, window in enumerate(document.windows):
        start = end = none = _no_answer(template, cls_id, window)
        if tokens and window.positions[0] <= tokens[0] and tokens[-1] <= window.positions[-1]:
            shift = window.first - window.positions[0]
            start, end = tokens[0] + shift, tokens[-1] + shift
        targets.append(Target(start, end, none, max_context_positions(index, document), document.offsets))
    return targets


def _no_answer(template: Template, cls_id: int | None, window: Window) -> int:
    """Return the position of the template's [CLS], or of its first token. A text may contain the same tokens."""
    before, between, after = template.pieces
    starts = (0, window.first - len(between), window.first + len(window.positions))
    places = [
        (start + index, token)
        for start, piece in zip(starts, (before, between, after), strict=True)
        for index, (token, _) in enumerate(piece)
    ]
    return next((place for place, token in places if token == cls_id), places[0][0])


def learnt_answer(example: QuestionExample) -> Answer | None:
    """Return the answer to train on: the first one that is in the context."""
    return next((answer for answer in example.answers if answer.start >= 0), None)


def answer_tokens(example: QuestionExample, document: Document) -> range:
    """Return the tokens of the context that overlap the answer."""
    answer = learnt_answer(example)
    return range(0) if answer is None else tokens_of(answer, document)


def tokens_of(answer: Answer, document: Document) -> range:
    """Return the tokens of the context that overlap an answer in it."""
    stop = answer.start + len(answer.text)
    tokens = [index for index, (start, end) in enumerate(document.offsets) if start < stop and end > answer.start]
    return range(tokens[0], tokens[-1] + 1) if tokens else range(0)
