"""Answers among tokens by hand: two windows of a context, their losses, their best answers, and what is told of it."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch

from harness.config.training import Training
from harness.errors import UserError
from harness.models.head import Head
from harness.task_types.explained import Asked
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.question_answering.objective import NO_ANSWER_THRESHOLD, best_threshold, objective
from harness.task_types.question_answering.spans import Candidate, Span
from harness.task_types.question_answering.squad_files import CANDIDATES, N_BEST
from harness.task_types.question_answering.targets import Target
from harness.tokenization.items import Collator, Features, Item
from harness.tokenization.reading import Window

KIND = objective((), Training())
CONTEXT = "the old film ran"
OFFSETS = ((0, 3), (4, 7), (8, 12), (13, 16))
EXAMPLE = QuestionExample("1", "what", CONTEXT, (Answer("the old", 0),))
COLLATOR = Collator(0, left=True, uses_token_type_ids=False, device=torch.device("cpu"))


def read(positions, starts, ends):
    """A window: [CLS], the question's token, and these tokens of the context; an answer may start at `starts`."""
    length = 2 + len(positions)
    return Item(0, (Window([7] * length, [0] * length, 2, positions),), Target(*ends, 0, starts, OFFSETS))


FIRST, SECOND = read(range(2), range(2), (2, 3)), read(range(1, 4), range(2, 4), (0, 0))
# The first window's logits stand behind a token of padding. "old" would be a good start in the second, but has more
# context in the first.
STARTS = torch.tensor([[9.0, 1.0, 0.0, 4.0, 2.0], [0.5, 0.0, 9.0, 2.0, 1.0]])
ENDS = torch.tensor([[9.0, 0.5, 9.0, 1.0, 3.0], [-1.0, 9.0, 9.0, 3.0, 2.0]])


def test_a_loss_is_the_mean_of_the_start_s_and_the_end_s_over_the_window_s_own_tokens():
    batch = COLLATOR([FIRST, SECOND])
    starts = torch.tensor([[99.0, 1, 1, 4, 2], [5, 1, 1, 2, 1]]).log()  # 4 of 8, 5 of 10
    ends = torch.tensor([[99.0, 1, 1, 1, 9], [3, 1, 4, 2, 2]]).log()  # 9 of 12, 3 of 12
    losses = KIND.plain_losses(KIND.scores((starts, ends), batch), batch, COLLATOR)
    assert losses.tolist() == pytest.approx([-(log(1 / 2) + log(3 / 4)) / 2, -(log(1 / 2) + log(1 / 4)) / 2])


def test_each_window_gives_its_best_answers_with_the_logits_of_their_ends():
    batch = COLLATOR([FIRST, SECOND])
    asked = replace(KIND, candidates=2)
    assert asked.results(asked.scores((STARTS, ENDS), batch), batch, COLLATOR) == [
        Span(0, 7, 7.0, 1.5, (Candidate(0, 7, 4.0, 3.0), Candidate(0, 3, 4.0, 1.0)), Candidate(-1, -1, 1.0, 0.5)),
        Span(8, 12, 5.0, -0.5, (Candidate(8, 12, 2.0, 3.0), Candidate(8, 16, 2.0, 2.0)), Candidate(-1, -1, 0.5, -1.0)),
    ]


def test_a_window_without_a_place_for_an_answer_has_none():
    empty = read(range(0), range(0), (0, 0))
    (found,) = KIND.results(torch.tensor([[[1.0, 0.0], [0.5, 0.0]]]), COLLATOR([empty]), COLLATOR)
    assert found == Span(-1, -1, -np.inf, 1.5, (), Candidate(-1, -1, 1.0, 0.5))


SPAN = Span(4, 7, 3.0, 2.5, (Candidate(4, 7, 2.0, 1.0), Candidate(0, 3, 1.0, 0.5)), Candidate(-1, -1, 1.5, 1.0))


@pytest.mark.parametrize(
    ("threshold", "prediction", "start", "end"), [(None, "old", 4, 7), (-0.5, "old", 4, 7), (-0.6, "", -1, -1)]
)
def test_an_answer_is_withheld_where_none_leads_by_more_than_the_threshold(threshold, prediction, start, end):
    calibration = {} if threshold is None else {NO_ANSWER_THRESHOLD: threshold}
    expected = {"reference": ["the old"], "prediction": prediction, "start": start, "end": end}
    assert KIND.rows([SPAN], [EXAMPLE], calibration) == [{**expected, "score": 3.0, "no_answer_score": 2.5}]


def test_several_answers_are_told_where_they_are_asked_for_and_no_answer_is_one_where_it_may_be():
    def texts(calibration, **settings):
        (row,) = replace(KIND, **settings).rows([SPAN], [EXAMPLE], calibration)
        return [[one["text"] for one in row[name]] if name in row else None for name in (CANDIDATES, N_BEST)]

    assert texts({}, candidates=2) == [["old", "the"], None]
    assert texts({NO_ANSWER_THRESHOLD: 0.0}, candidates=2, n_best=1) == [["old", "", "the"], ["old"]]


def test_the_threshold_lets_every_question_be_answered_where_that_is_best():
    assert best_threshold([replace(SPAN, start=0)], [EXAMPLE]) == -0.5


def explained(label=None, **calibration):
    scores = {FIRST.length: torch.stack([STARTS[0, 1:], ENDS[0, 1:]]), SECOND.length: torch.stack([STARTS[1], ENDS[1]])}
    asked = Asked(lambda item: scores[item.length][None], COLLATOR, calibration, label)
    found = KIND.explained(EXAMPLE, Features([FIRST, SECOND], [4], 4), asked)
    return found.item, found.name, float(found.of(scores[found.item.length][None]))


def test_the_answer_or_that_there_is_none_is_explained_in_the_window_where_it_is_the_likeliest():
    assert explained() == (FIRST, "answer “the old”", 7.0)
    assert explained(no_answer_threshold=-9.0) == (SECOND, "no answer", -0.5)
    with pytest.raises(UserError, match="--label A: answers to questions are not labels"):
        explained("A")


def test_a_model_for_answers_reads_pairs_and_its_windows_share_as_many_tokens_as_published():
    outputs = ("start_logits", "end_logits")
    assert KIND.head() == Head("AutoModelForQuestionAnswering", {}, outputs, per_token=True, paired=True)
    assert KIND.stride == 128  # Devlin et al. 2019's own choice for SQuAD, in their code.
    assert KIND.recalled({}).shared == 0
