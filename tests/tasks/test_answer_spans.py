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
    [None, [], "", {"text": [], "answer_start": []}, float("nan"), "[]", {"text": None, "answer_start": None},
     "{'text': array([], dtype=object), 'answer_start': array([], dtype=int32)}"],
)  # fmt: skip
def test_no_answer_means_unanswerable(field):
    assert read_answers(field, CONTEXT).answers == ()


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
