"""The best answers to a question, by hand: found in a window, merged over windows, and how probable each one is."""

import numpy as np
import pytest
import torch

from harness.task_types.question_answering.candidates import best_places, merged, ranked_answers
from harness.task_types.question_answering.spans import Candidate, Span

NO = -torch.inf
SPANS = torch.tensor([[1.0, 5.0, 3.0], [2.0, 5.0, NO], [4.0, NO, NO]])
CONTEXT = "the old film"
SILENT = Candidate(-1, -1, 1.5, 1.0)


@pytest.mark.parametrize(
    ("count", "places"),
    [
        (1, [(10, 11)]),
        (2, [(10, 11), (11, 12)]),
        (4, [(10, 11), (11, 12), (12, 12), (10, 12)]),
        (9, [(10, 11), (11, 12), (12, 12), (10, 12), (11, 11), (10, 10)]),
    ],
)
def test_the_best_spans_are_found_where_they_may_be_and_of_equals_the_first(count, places):
    assert best_places(SPANS, count, first=10) == places


@pytest.mark.parametrize("count", [1, 2])
def test_where_no_span_has_a_score_the_first_token_stands_for_the_answer(count):
    assert best_places(torch.full((2, 3), NO), count, first=7) == [(7, 7)]


def test_the_best_answers_of_all_windows_are_merged_each_once_without_blanks_at_their_ends():
    first = Span(4, 7, 3.0, 1.0, (Candidate(4, 7, 2.0, 1.0), Candidate(0, 3, 1.0, 0.5)), SILENT)
    second = Span(7, 12, 3.0, -1.0, (Candidate(7, 12, 1.0, 2.0), Candidate(3, 7, 0.5, 2.0)), Candidate(-1, -1, -1, 0))
    worse = Span(0, 3, 1.5, 2.0, (Candidate(0, 3, 1.0, 0.5),), SILENT)
    answers = (Candidate(4, 7, 2.0, 1.0), Candidate(8, 12, 1.0, 2.0), Candidate(0, 3, 1.0, 0.5))
    for count in (2, 3, 4):
        best = Span(4, 7, 3.0, -1.0, answers[:count], second.no_answer)
        assert merged([worse, first, second], CONTEXT, count) == best
    assert merged([second, first, worse], CONTEXT, 1) == Span(8, 12, 3.0, -1.0, (), second.no_answer)


def row(text, start, end, *logits):
    return {"text": text, "start": start, "end": end, "start_logit": logits[0], "end_logit": logits[1]}


def test_probabilities_of_scores_that_no_exponential_holds_are_numbers():
    far = Span(4, 7, 800.0, 0.0, (Candidate(4, 7, 400.0, 400.0), Candidate(0, 3, 400.0, 400.0)))
    assert [one["probability"] for one in ranked_answers(far, CONTEXT, may_be_silent=False)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("span", "may_be_silent", "expected", "scores"),
    [
        (
            Span(4, 7, 3.0, 2.5, (Candidate(4, 7, 2.0, 1.0), Candidate(0, 3, 1.0, 0.5)), SILENT),
            True,
            [row("old", 4, 7, 2.0, 1.0), row("", -1, -1, 1.5, 1.0), row("the", 0, 3, 1.0, 0.5)],
            (3.0, 2.5, 1.5),
        ),
        (
            Span(4, 7, 3.0, 2.5, (Candidate(4, 7, 2.0, 1.0), Candidate(0, 3, 1.0, 0.5)), SILENT),
            False,
            [row("old", 4, 7, 2.0, 1.0), row("the", 0, 3, 1.0, 0.5)],
            (3.0, 1.5),
        ),
        # A simple baseline has no logits, and one answer at most.
        (Span(0, 3, 4.0, 2.0), True, [row("the", 0, 3, 2.0, 2.0), row("", -1, -1, 1.0, 1.0)], (4.0, 2.0)),
        (Span(0, 3, 4.0, 2.0), False, [row("the", 0, 3, 2.0, 2.0)], (4.0,)),
        (Span(-1, -1, -np.inf, 2.0), False, [row("", -1, -1, 1.0, 1.0)], (2.0,)),
    ],
)
def test_answers_come_with_a_softmax_over_their_scores(span, may_be_silent, expected, scores):
    ranked = ranked_answers(span, CONTEXT, may_be_silent=may_be_silent)
    probabilities = np.exp(scores) / np.exp(scores).sum()
    assert [one.pop("probability") for one in ranked] == pytest.approx(probabilities)
    assert ranked == expected
