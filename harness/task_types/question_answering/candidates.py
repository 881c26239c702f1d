"""The best answers to a question: found in each window, merged over all of them, and how probable each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from harness.task_types.question_answering.spans import Candidate, Span, tidied


def best_places(spans: Tensor, count: int, *, first: int) -> list[tuple[int, int]]:
    """Where the best spans start and end, the best first; of equals the first.

    Args:
        spans: Scores by start and by how many tokens come after it [starts, longest]; -inf where none may be.
        count: How many are wanted.
        first: The place of the first start.
    """
    if count == 1:
        order = [int(spans.argmax())]
    else:
        scores, ranked = spans.flatten().sort(descending=True, stable=True)
        order = ranked[:count][scores[:count] > -np.inf].tolist() or [0]
    places = [divmod(index, spans.shape[1]) for index in order]
    return [(first + row, first + row + further) for row, further in places]


def merged(spans: Sequence[Span], context: str, count: int) -> Span:
    """The best of the windows' spans, with the best answers of them all, each once; the first of equals.

    Its no-answer score is the lowest of theirs: one window that holds an answer is enough.
    """
    best = max(spans, key=lambda span: span.score)
    silent = min(spans, key=lambda span: span.no_answer_score)
    start, end = tidied(context, best.start, best.end)
    return Span(start, end, best.score, silent.no_answer_score, _ranked(spans, context, count), silent.no_answer)


def _ranked(spans: Sequence[Span], context: str, count: int) -> tuple[Candidate, ...]:
    if count == 1:
        return ()
    found = sorted((one for span in spans for one in span.candidates), key=lambda one: one.score, reverse=True)
    known: dict[tuple[int, int], Candidate] = {}
    for one in found:
        start, end = tidied(context, one.start, one.end)
        known.setdefault((start, end), replace(one, start=start, end=end))
    return tuple(known.values())[:count]


def ranked_answers(span: Span, context: str, *, may_be_silent: bool) -> list[dict[str, Any]]:
    """The best answers to a question, the most probable first.

    Their probabilities are a softmax over their scores, as in the scripts for SQuAD. They add up to 1, and say how the
    model weighs these answers against each other.

    Args:
        span: The merged one.
        context: What it was found in.
        may_be_silent: Whether that there is no answer is one of them.
    """
    found = list(span.candidates) or _alone(span)
    if may_be_silent or not found:
        found.append(span.no_answer or _halved(-1, -1, span.no_answer_score))
    found.sort(key=lambda one: one.score, reverse=True)
    scores = np.array([one.score for one in found])
    weights = np.exp(scores - scores.max(initial=-np.inf))
    return [
        {
            "text": context[one.start : one.end] if one.start >= 0 else "",
            "probability": float(weight),
            "start": one.start,
            "end": one.end,
            "start_logit": one.start_logit,
            "end_logit": one.end_logit,
        }
        for one, weight in zip(found, weights / weights.sum(), strict=True)
    ]


def _alone(span: Span) -> list[Candidate]:
    """The one answer of a simple baseline, if it has one."""
    return [_halved(span.start, span.end, span.score)] if span.start >= 0 else []


def _halved(start: int, end: int, score: float) -> Candidate:
    """An answer of a simple baseline, which has no logits: half of its score for each end."""
    return Candidate(start, end, score / 2, score / 2)
