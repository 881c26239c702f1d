"""Answers in any form, and where in the context they are."""

import pytest

from harness.data.fields import FieldError
from harness.task_types.question_answering.answers import MOVED, REPEATED, read_answers

CONTEXT = "Birmingham sells ham. The ham is good."


def starts(cell, context=CONTEXT):
    return [answer.start for answer in read_answers(cell, context).answers]


@pytest.mark.parametrize("cell", [None, [], "", {"text": [], "answer_start": []}])
def test_no_answer_means_unanswerable(cell):
    assert read_answers(cell, CONTEXT).answers == ()


def test_a_stated_start_is_kept_where_the_answer_is_there():
    assert starts({"text": ["ham", "good"], "answer_start": [26, 33]}) == [26, 33]


def test_a_wrong_start_is_moved_to_the_nearest_place_and_counted():
    read = read_answers({"text": ["ham"], "answer_start": [24]}, CONTEXT)
    assert [answer.start for answer in read.answers] == [26]
    assert read.notes == {MOVED: 1}


def test_without_a_start_the_first_place_is_taken_and_that_there_were_more_is_counted():
    read = read_answers(["ham"], CONTEXT)
    assert [answer.start for answer in read.answers] == [17]  # not the one within "Birmingham"
    assert read.notes == {REPEATED: 1}


def test_a_part_of_a_word_is_found_where_it_never_stands_alone():
    assert starts("ming") == [3]


def test_an_answer_that_is_nowhere_starts_at_minus_one():
    assert starts(["London", "good"]) == [-1, 33]
    assert starts({"text": ["London"], "answer_start": [3]}) == [-1]


@pytest.mark.parametrize("cell", [3, [3], {"text": "ham"}, {"text": ["ham"], "answer_start": [1, 2]}, {"start": 1}])
def test_another_form_is_an_error(cell):
    with pytest.raises(FieldError, match="Fix the row"):
        read_answers(cell, CONTEXT)
