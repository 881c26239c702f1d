"""Answers in any form, and where in the context they are."""

from contextlib import suppress

import pytest

from harness.data.custom import custom_task
from harness.data.fields import FieldError
from harness.data.placed_rows import PlacedRow
from harness.task_types.question_answering.answers import MOVED, REPEATED, read_answers

CONTEXT = "Birmingham sells ham. The ham is good."


def starts(field, context=CONTEXT):
    return [answer.start for answer in read_answers(field, context).answers]


@pytest.mark.parametrize(
    "field",
    [None, [], "", " \t", ["", " "], {"text": [], "answer_start": []}, float("nan"), "[]",
     {"text": None, "answer_start": None}, "{'text': array([], dtype=object), 'answer_start': array([], dtype=int32)}"],
)  # fmt: skip
def test_no_answer_means_unanswerable(field):
    assert read_answers(field, CONTEXT).answers == ()


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
    assert starts("ham", context) == [place]


@pytest.mark.parametrize(
    ("start", "place"), [(0, 0), (1, 0), (3, 4), (4, 4), (5, 4), (6, 4), (7, 8), (8, 8), (99, 8), (-5, 0)]
)
def test_a_start_that_is_given_is_kept_or_moved_to_the_nearest_place(start, place):
    found = read_answers({"text": ["x"], "answer_start": [start]}, "x...x...x")
    moved = {MOVED: 1} if start != place else {}
    assert ([answer.start for answer in found.answers], dict(found.notes)) == ([place], moved)


def test_of_two_places_as_near_the_first_is_taken():
    assert starts({"text": ["x"], "answer_start": [2]}, "x...x") == [0]


def test_a_start_that_is_given_may_lie_within_a_word():
    assert starts({"text": ["ham"], "answer_start": [7]}, "Birmingham ham") == [7]


def test_places_that_overlap_are_places_each():
    assert starts({"text": ["aa"], "answer_start": [1]}, "aaa") == [1]
    assert read_answers("aa", "aaa").notes == {REPEATED: 1}


@pytest.mark.parametrize(("context", "count"), [("x", 0), ("x x", 1), ("x x x", 1), ("axa x", 0), ("axa bxb", 1)])
def test_an_answer_that_stands_in_several_places_is_counted_once(context, count):
    assert read_answers("x", context).notes.get(REPEATED, 0) == count


def test_an_answer_that_is_not_there_is_neither_moved_nor_repeated():
    found = read_answers({"text": ["y", "x"], "answer_start": [0, 2]}, "x x")
    assert ([answer.start for answer in found.answers], dict(found.notes)) == ([-1, 2], {})


@pytest.mark.parametrize("field", [3, [3], {"text": [3]}, {"text": ["ham"], "answer_start": [1, 2]}, {"start": 1}])
def test_another_form_is_an_error(field):
    with pytest.raises(FieldError, match="Fix the row"):
        read_answers(field, CONTEXT)


@pytest.mark.parametrize(
    "field",
    [
        {"text": ["ham"], "answer_start": [26]},
        {"text": ["ham"], "answer_start": [26.0]},
        {"text": "ham", "answer_start": 26},
        {"text": "ham", "answer_start": "26"},
        {"text": "ham", "answer_start": "26.0"},
        [{"text": "ham", "answer_start": 26}],
        "{'text': ['ham'], 'answer_start': [26]}",
        '{"text": ["ham"], "answer_start": [26]}',
        "[{'text': 'ham', 'answer_start': 26}]",
        "{'text': array(['ham'], dtype=object), 'answer_start': array([26], dtype=int32)}",
        {"text": "['ham']", "answer_start": "[26]"},
    ],
)
def test_the_same_answer_in_every_form(field):
    read = read_answers(field, CONTEXT)
    assert [(answer.text, answer.start) for answer in read.answers] == [("ham", 26)]
    assert not read.notes


@pytest.mark.parametrize("start", [None, -1, float("nan"), ""])
def test_a_start_that_is_not_known_is_looked_for(start):
    assert starts({"text": ["ham"], "answer_start": [start]}) == [17]


def test_a_list_of_texts_in_a_csv_field():
    assert starts("['ham', 'good']") == starts('["ham", "good"]') == [17, 33]


@pytest.mark.parametrize("start", [1.5, True, "here", float("inf"), [1]])
def test_a_start_that_is_no_whole_number_is_an_error(start):
    with pytest.raises(FieldError, match="not a place in the context"):
        read_answers({"text": ["ham"], "answer_start": [start]}, CONTEXT)


def test_a_text_in_brackets_that_is_in_the_context_is_an_answer_itself():
    for text in ("[1]", "['a']", "{'text': 1}"):
        (answer,) = read_answers(text, f"It says {text} there.").answers
        assert (answer.text, answer.start) == (text, 8)


def test_a_text_in_brackets_that_is_no_list_is_an_answer_itself():
    for text in ("[sic]", "{'a': 1}", "[[1 2] [3 4]]"):
        (answer,) = read_answers(text, CONTEXT).answers
        assert (answer.text, answer.start) == (text, -1)


def test_what_is_written_is_never_run(tmp_path):
    flag = tmp_path / "ran"
    for text in (f"[open({str(flag)!r}, 'w')]", f"{{'text': array(open({str(flag)!r}, 'w')), 'answer_start': [1]}}"):
        with suppress(FieldError):
            read_answers(text, CONTEXT)
        assert not flag.exists()


@pytest.mark.parametrize(
    "text",
    [
        "{'text': ['ham', 'answer_start': [26]}",
        "{'text': len('ham'), 'answer_start': [26]}",
        "{'text': " + "[" * 9999 + "}",
    ],
)
def test_a_dictionary_that_can_not_be_read_is_told_and_not_taken_for_an_answer(text):
    with pytest.raises(FieldError, match="can't be read"):
        read_answers(text, CONTEXT)


def test_a_list_without_commas_is_read_and_its_texts_are_not_joined():
    assert starts("['ham' 'good']") == [17, 33]
    assert starts(""" ["ham' 'good"] """, "So ham' 'good it is.") == [3]


def columns(row, **named):
    task = custom_task(train="train.csv", task_type="question_answering", columns=named)
    return task.type.answered(task, row)


def test_one_answer_a_row_in_columns_of_its_own():
    row = {"question": "?", "context": CONTEXT, "answer_text": "ham", "answer_start": "26"}
    assert starts(columns(row)["answers"]) == [26]
    assert starts(columns({**row, "answers": "ham"})["answers"]) == [26]
    assert starts(columns({**row, "reply": "good", "answer_start": 33}, answers=["reply"])["reply"]) == [33]
    assert starts(columns({"answer": "ham"})["answers"]) == [17]
    assert starts(columns({**row, "answers": "{'text': ['good'], 'answer_start': [33]}"})["answers"]) == [33]
    assert "answers" not in columns({"question": "?"})


def test_a_row_with_its_answer_put_together_keeps_its_place():
    found = columns(PlacedRow({"answer_text": "ham", "answer_start": 26}, "qa.csv, line 3"))
    assert found.place == "qa.csv, line 3"
