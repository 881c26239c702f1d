"""Answers among a context's tokens: where they lie, what stands for none, and the scores of all that may be one."""

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
    """Where a window's answer lies, and where its answers may start.

    Attributes:
        start: Position in the window's input_ids; `no_answer` where the answer is not in this window.
        end: Likewise, of the answer's last token.
        no_answer: Position of the special token that stands for "no answer here": [CLS], or where a tokenizer has none
            the first one that it puts around texts.
        max_context_positions: Positions of the context that have the most context in this window.
        offsets: The characters of the context that each of its tokens covers.
    """

    start: int
    end: int
    no_answer: int
    max_context_positions: range
    offsets: Sequence[tuple[int, int]]

    @property
    def held(self) -> bool:
        """Whether the window holds the answer."""
        return self.start != self.no_answer


def span_scores(logits: Tensor, longest: int) -> Tensor:
    """Score of every answer span: its start logit plus its end logit.

    Source: Devlin et al. 2019, section 4.2.

    Args:
        logits: Start and end logits [2, length].
        longest: Most tokens in a span, both ends included.

    Returns:
        Scores [length, longest] by start and by how many tokens come after it, so that long contexts fit into memory;
        -inf behind the last token. No more columns than there are tokens.

    Raises:
        ValueError: `longest` is below 1.
    """
    if longest < 1:
        raise ValueError(f"longest must be at least 1, got {longest}")
    starts, ends = logits
    columns = min(longest, len(ends))
    return starts[:, None] + functional.pad(ends, (0, columns - 1), value=-torch.inf).unfold(0, columns, 1)


def targets_of(document: Document, tokens: range, template: Template, cls_id: int | None) -> list[Target]:
    """Where an answer lies in each window.

    Args:
        document: The windows.
        tokens: The context's tokens that are the answer; none: there is no answer.
        template: The special tokens around question and context.
        cls_id: The [CLS] token; None: the tokenizer has none.
    """
    targets = []
    for index, window in enumerate(document.windows):
        start = end = none = _no_answer(template, cls_id, window)
        if tokens and window.positions[0] <= tokens[0] and tokens[-1] <= window.positions[-1]:
            shift = window.first - window.positions[0]
            start, end = tokens[0] + shift, tokens[-1] + shift
        targets.append(Target(start, end, none, max_context_positions(index, document), document.offsets))
    return targets


def _no_answer(template: Template, cls_id: int | None, window: Window) -> int:
    """Where the template's [CLS] stands, or its first token; a text may hold the same tokens."""
    before, between, after = template.pieces
    starts = (0, window.first - len(between), window.first + len(window.positions))
    places = [
        (start + index, token)
        for start, piece in zip(starts, (before, between, after), strict=True)
        for index, (token, _) in enumerate(piece)
    ]
    return next((place for place, token in places if token == cls_id), places[0][0])


def learnt_answer(example: QuestionExample) -> Answer | None:
    """The answer that is learnt: the first one that is in the context."""
    return next((answer for answer in example.answers if answer.start >= 0), None)


def answer_tokens(example: QuestionExample, document: Document) -> range:
    """The context's tokens that the answer touches."""
    answer = learnt_answer(example)
    return range(0) if answer is None else tokens_of(answer, document)


def tokens_of(answer: Answer, document: Document) -> range:
    """The context's tokens that an answer in it touches."""
    stop = answer.start + len(answer.text)
    tokens = [index for index, (start, end) in enumerate(document.offsets) if start < stop and end > answer.start]
    return range(tokens[0], tokens[-1] + 1) if tokens else range(0)
