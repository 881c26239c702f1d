"""Rows with blank fields: skipped and counted in every type of task, if the user wants it."""

import pytest
from command_line import write_jsonl

from harness.data.custom import custom_task
from harness.data.loading import load_splits
from harness.errors import UserError
from harness.registry import TASK_TYPES

ROWS = {
    "classification": [{"text": f"x{n} y{n}", "label": "ab"[n % 2]} for n in range(20)],
    "multi_label": [{"text": f"x{n} y{n}", "label": ["ab"[n % 2]]} for n in range(20)],
    "regression": [{"text": f"x{n} y{n}", "label": n} for n in range(20)],
    "language_modelling": [{"text": f"x{n} y{n}"} for n in range(20)],
    "question_answering": [
        {"question": f"what is {n}?", "context": f"x{n} is {n}", "answers": f"x{n}"} for n in range(20)
    ],
    "multiple_choice": [{"text": f"what is {n}?", "choices": [f"a{n}", "b"], "label": "AB"[n % 2]} for n in range(20)],
    "token_classification": [{"tokens": [f"x{n}", "y"], "tags": ["N", "V"]} for n in range(20)],
    "sequence_to_sequence": [{"source": f"x{n}", "target": f"y{n}"} for n in range(20)],
}
BLANKS = {
    "question_answering": ["question", "context"],
    "multi_label": ["text"],
}
CASES = [(task_type, role) for task_type, rows in ROWS.items() for role in BLANKS.get(task_type, rows[0])]


def task_with(tmp_path, task_type, *more, **settings):
    file = write_jsonl(tmp_path / "train.jsonl", [*ROWS[task_type], *more])
    return custom_task(train=file, task_type=task_type, **settings)


def everything(splits):
    return [*splits.train, *splits.validation, *splits.test]


def test_every_type_of_task_is_tried():
    assert ROWS.keys() == set(TASK_TYPES.names())


@pytest.mark.parametrize("blank", [None, " ", [], {"text": [], "label": []}])
@pytest.mark.parametrize(("task_type", "role"), CASES)
def test_a_row_with_a_blank_field_is_skipped_and_counted(tmp_path, task_type, role, blank):
    row = {**ROWS[task_type][0], role: blank}
    splits = load_splits(task_with(tmp_path, task_type, row, row, blank_rows="skip"))
    assert len(everything(splits)) == 20
    assert sum(splits.dropped.values()) == 2
    (reason,) = splits.dropped
    assert reason.startswith("train rows ")


@pytest.mark.parametrize(
    ("task_type", "role"),
    [case for case in CASES if case not in {("multiple_choice", "text"), ("question_answering", "question")}],
)
def test_it_is_refused_by_default_with_what_would_skip_it(tmp_path, task_type, role):
    row = {**ROWS[task_type][0], role: None}
    with pytest.raises(UserError) as told:
        load_splits(task_with(tmp_path, task_type, row))
    (line,) = told.value.lines
    assert "line 21)" in line
    assert line.endswith('`--blank-rows skip` (in a suite, blank_rows = "skip") leaves such rows out.')


def test_a_question_without_an_answer_is_not_blank(tmp_path):
    row = {**ROWS["question_answering"][0], "question": "what else is 0?", "answers": None}
    splits = load_splits(task_with(tmp_path, "question_answering", row, blank_rows="skip"))
    assert len(everything(splits)) == 21
    assert not splits.dropped


def test_an_empty_list_that_is_written_as_text_has_no_tags(tmp_path):
    row = {"tokens": "[]", "tags": "[]"}
    splits = load_splits(task_with(tmp_path, "token_classification", row, blank_rows="skip"))
    assert splits.dropped == {"train rows with blank tokens": 1}


@pytest.mark.parametrize(("task_type", "role"), CASES)
def test_rows_of_json_without_the_key_are_blank_too_unless_all_are(tmp_path, task_type, role):
    lacking = {name: field for name, field in ROWS[task_type][0].items() if name != role}
    with pytest.raises(UserError, match=r"line 21\): no column .* Other rows have it: `--blank-rows skip`"):
        load_splits(task_with(tmp_path, task_type, lacking))
    assert sum(load_splits(task_with(tmp_path, task_type, lacking, blank_rows="skip")).dropped.values()) == 1
    file = write_jsonl(tmp_path / "train.jsonl", [lacking] * 12)
    with pytest.raises(UserError, match="line 1\\): no column"):
        load_splits(custom_task(train=file, task_type=task_type, blank_rows="skip"))


def test_a_missing_key_of_answers_is_an_error_whatever_is_skipped(tmp_path):
    row = {"question": "what else is 0?", "context": "0 is x"}
    with pytest.raises(UserError, match=r"line 21\): no column 'answers'"):
        load_splits(task_with(tmp_path, "question_answering", row, blank_rows="skip"))
