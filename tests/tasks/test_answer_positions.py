"""Where an answer is taken to stand in its context: each bound from both sides."""

import pytest

from harness.data.fields import FieldError
from harness.task_types.question_answering.answers import MOVED, REPEATED, read_answers


def places(field, context):
    return [answer.start for answer in read_answers(field, context).answers]


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ("ham", 0),  # The whole of it.
        ("ham Birmingham", 0),
        ("Birmingham ham", 11),  # At the very end.
        ("Birmingham: ham, eggs", 12),
        ("hams ham", 5),  # Part of a word that it begins,
        ("graham ham", 7),  # or that it ends,
        ("sham ham", 5),  # by one letter.
        ("hams ham1 _ham", 11),  # A digit makes a word as a letter does, a line below does not.
        ("Birmingham", 7),  # Nowhere alone: the first place.
        ("graham Birmingham", 3),
        ("eggs", -1),
    ],
)
def test_an_answer_without_a_start_is_found_alone_first(context, place):
    assert places("ham", context) == [place]


@pytest.mark.parametrize(
    ("start", "place"), [(0, 0), (1, 0), (3, 4), (4, 4), (5, 4), (6, 4), (7, 8), (8, 8), (99, 8), (-5, 0)]
)
def test_a_start_that_is_given_is_kept_or_moved_to_the_nearest_place(start, place):
    found = read_answers({"text": ["x"], "answer_start": [start]}, "x...x...x")
    moved = {MOVED: 1} if start != place else {}
    assert ([answer.start for answer in found.answers], dict(found.notes)) == ([place], moved)


def test_of_two_places_as_near_the_first_is_taken():
    assert places({"text": ["x"], "answer_start": [2]}, "x...x") == [0]


def test_a_start_that_is_given_may_lie_within_a_word():
    assert places({"text": ["ham"], "answer_start": [7]}, "Birmingham ham") == [7]


def test_places_that_overlap_are_places_each():
    assert places({"text": ["aa"], "answer_start": [1]}, "aaa") == [1]
    assert read_answers("aa", "aaa").notes == {REPEATED: 1}


@pytest.mark.parametrize(("context", "count"), [("x", 0), ("x x", 1), ("x x x", 1), ("axa x", 0), ("axa bxb", 1)])
def test_an_answer_that_stands_in_several_places_is_counted_once(context, count):
    assert read_answers("x", context).notes.get(REPEATED, 0) == count


def test_an_answer_that_is_not_there_is_neither_moved_nor_repeated():
    found = read_answers({"text": ["y", "x"], "answer_start": [0, 2]}, "x x")
    assert ([answer.start for answer in found.answers], dict(found.notes)) == ([-1, 2], {})


@pytest.mark.parametrize("field", [None, [], {"text": [], "answer_start": []}, "", " \t", ["", " "]])
def test_none_and_blanks_are_no_answer(field):
    assert read_answers(field, "a context") == read_answers(None, "a context")
    assert places(field, "a context") == []


@pytest.mark.parametrize("field", [3, [3], {"text": ["a", "b"], "answer_start": [0]}])
def test_other_forms_are_refused(field):
    with pytest.raises(FieldError, match="Fix the row"):
        read_answers(field, "a b")
