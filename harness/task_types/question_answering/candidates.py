"""The best answers to a question: found in each window, merged over all windows, with their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from harness.task_types.question_answering.spans import Candidate, Span, tidied


def best_places(spans: Tensor, count: int, *, first: int) -> list[tuple[int, int]]:
    """Return the starts and ends of the best spans, best first. Ties go to the first.

    Args:
        spans: Scores by start and by the number of tokens after it [starts, longest]; -inf if no span is possible.
        count: The number of spans to return.
        first: The position of the first start.
    """
    if count == 1:
        order = [int(spans.argmax())]
    else:
        scores, ranked = spans.flatten().sort(descending=True, stable=True)
        order = ranked[:count][scores[:count] > -np.inf].tolist() or [0]
    places = [divmod(index, spans.shape[1]) for index in order]
    return [(first + row, first + row + further) for row, further in places]


def merged(spans: Sequence[Span], context: str, count: int) -> Span:
    """Merge the spans of all windows: the best one, with the best distinct answers of all. Ties go to the first.

    The no-answer score is the minimum over windows: one window with an answer is enough.
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
    """Return the best answers to a question, most probable first.

    Probabilities are a softmax over the scores of these answers, as in the scripts for SQuAD. They add up to 1, and
    compare the answers with each other only. With `may_be_silent`, "no answer" is one of them.
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
    """Return the only answer of a simple baseline, if any."""
    return [_halved(span.start, span.end, span.score)] if span.start >= 0 else []


def _halved(start: int, end: int, score: float) -> Candidate:
    """Convert an answer of a simple baseline, which has no logits. Start and end get half of the score each."""
    return Candidate(start, end, score / 2, score / 2)
