"""Sets of labels in the forms that people's files have them in."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command_line import write_csv

from harness.data.custom import custom_task
from harness.data.fields import FieldError
from harness.data.loading import load_splits
from harness.errors import UserError
from harness.task_types.multi_label import task_type
from harness.task_types.multi_label.label_sets import items_of, names_of

LABELS = ("a", "b", "c")


def targets(fields, labels=None):
    """Each field's labels by name, as read in a column with these fields."""
    names = labels or names_of(fields)
    return [sorted(str(item) for item in items_of(field, names)) for field in fields]


@pytest.mark.parametrize(
    "fields",
    [
        [["a", "b"], ["c"], []],
        ['["a", "b"]', '["c"]', "[]"],
        ["['a', 'b']", "['c']", "[]"],
        ["('a', 'b')", "('c',)", "()"],
        ["{'b', 'a'}", "{'c'}", "set()"],
        [str(np.array(["a", "b"])), str(np.array(["c"])), "[]"],
        ["a|b", "c", ""],
        ["a; b", "c", ""],
        ["a, b,", "c", " "],
    ],
)
def test_lists_and_separated_names_are_sets(fields):
    assert names_of(fields) == LABELS
    assert targets(fields) == [["a", "b"], ["c"], []]


@pytest.mark.parametrize(
    "fields",
    [
        [[1, 1, 0], [0, 0, 1], [0, 0, 0]],
        [[True, True, False], [False, False, True], [False] * 3],
        [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0] * 3],
        ["[1, 1, 0]", "[0, 0, 1]", "[0, 0, 0]"],
        ["1,1,0", "0,0,1", "0,0,0"],
        [str(np.array([1, 1, 0])), "[0 0 1]", str(np.zeros(3))],
    ],
)
def test_zeros_and_ones_say_of_one_label_after_the_other_whether_it_is_there(fields):
    assert names_of(fields) == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert targets(fields) == [["LABEL_0", "LABEL_1"], ["LABEL_2"], []]
    assert targets(fields, LABELS) == [["a", "b"], ["c"], []]


def test_labels_that_are_called_zero_and_one_stay_names():
    fields = [[0], [1], [0, 1], []]
    assert names_of(fields) == ("0", "1")
    assert targets(fields) == [["0"], ["1"], ["0", "1"], []]
    assert names_of([[0], [1]]) == ("0", "1")


def test_lists_of_one_length_are_about_places_only_where_they_have_zeros_and_ones_alone():
    assert names_of([[0, 1], [1, 1]]) == ("LABEL_0", "LABEL_1")
    assert names_of([["a", "b"], ["b", "c"]]) == LABELS
    assert names_of([["1", "b"], ["1", "c"]]) == ("1", "b", "c")
    assert names_of([[0, 1], None]) == ("0", "1")
    assert names_of([]) == ()


@pytest.mark.parametrize(("field", "expected"), [([1, 1], ["a", "b"]), ([0, 0], []), ([0, 1], [0, 1])])
def test_of_two_labels_a_zero_and_a_one_are_indices(field, expected):
    assert items_of(field, ("a", "b")) == expected


@pytest.mark.parametrize("field", [[0, 1], [1, 0], "[0, 1]", [True, False]])
def test_a_zero_and_a_one_that_may_be_indices_or_places_of_a_task_s_two_labels_are_refused(field):
    task = SimpleNamespace(labels=("a", "b"), column=str)
    with pytest.raises(FieldError, match=r"label: .* may stand for both labels, or for one .* as in \['b'\]"):
        task_type.target(task, field, task.labels)
    assert task_type.target(task, [0], task.labels) == (0,)
    assert task_type.target(task, [1, 1], task.labels) == (0, 1)
    assert task_type.target(task, ["b", "a"], task.labels) == (0, 1)


def test_texts_that_all_have_the_same_labels_teach_nothing(tmp_path):
    for has, said in ((0, "train: no row has a label."), (1, r"train: every row has the same labels \(sport\)")):
        rows = [{"text": f"w{n} v{n}", "sport": has, "food": 0} for n in range(40)]
        with pytest.raises(UserError, match=said):
            load_splits(own(tmp_path, rows, columns={"label": ["sport", "food"]}))


def test_a_separator_within_a_name_parts_nothing():
    assert names_of(["Food, drink|Arts", "Arts"]) == ("Arts", "Food, drink")
    assert items_of("Food, drink", ("Arts", "Food, drink")) == ["Food, drink"]
    assert items_of("a|b; c, d", ("a|b; c, d", "x")) == ["a|b; c, d"]
    assert items_of("a, b|c", ("a", "b|c", "c")) == ["a", "b|c"]


def test_what_is_no_set_is_none():
    assert items_of(None, LABELS) is items_of(float("nan"), LABELS) is None
    assert items_of(3, ("3", "4")) == [3]
    assert items_of("{'a': 1}", LABELS) == ["{'a': 1}"]  # a name, and an unknown one


def own(tmp_path, rows, **settings):
    file = tmp_path / "train.csv"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return custom_task(train=file, task_type="multi_label", **settings)


def test_a_column_per_label_holds_zeros_and_ones(tmp_path):
    rows = [{"text": f"w{n} v{n}", "sport": n % 2, "food": ["0.0", "1.0"][n // 2 % 2], "id": str(n)} for n in range(40)]
    splits = load_splits(own(tmp_path, rows, columns={"label": ["sport", "food"]}))
    assert splits.labels == ("sport", "food")
    found = {one.id: one.target for one in (*splits.train, *splits.validation, *splits.test)}
    assert [found[str(n)] for n in range(4)] == [(), (0,), (1,), (0, 1)]
    with pytest.raises(UserError, match=r"line 42\): food: neither 0 nor 1 \(got 'often'\)"):
        load_splits(
            own(tmp_path, [*rows, {**rows[0], "food": "often", "id": "x"}], columns={"label": ["sport", "food"]})
        )


def test_columns_of_one_label_each_are_refused_where_a_text_has_one(tmp_path):
    with pytest.raises(UserError, match=r"label: takes at most 1 column \(got 2\). Name fewer, or .*: multi_label\."):
        custom_task(train="train.csv", columns={"label": ["sport", "food"]})


def test_how_sets_are_read_from_text_is_told(tmp_path):
    rows = [{"text": f"w{n} v{n}", "label": ["a; b", "b"][n % 2]} for n in range(20)]
    assert load_splits(own(tmp_path, rows)).notes == ("label: text is read as labels with ';' between them",)
    rows = [{"text": f"w{n} v{n}", "label": ["1;0;1", "0;0;1"][n % 2]} for n in range(20)]
    assert load_splits(own(tmp_path, rows)).notes == (
        "label: zeros and ones are read as one label per position, LABEL_0 to LABEL_2",
    )


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_predict_writes_is_read_back(command, ending):
    rows = [{"text": f"w{n % 4} film {n}", "label": ["a", "a|b", "b", ""][n % 4]} for n in range(40)]
    write_csv(Path("train.csv"), rows)
    kind = ("--model", "tfidf", "--task-type", "multi_label")
    assert command("run", *kind, "--train", "train.csv").code == 0
    (run,) = Path("runs/single").glob("train-*/tfidf/seed-0")
    predicted = f"predicted.{ending}"
    assert command("predict", str(run), "--input", "train.csv", "--output", predicted).code == 0
    splits = load_splits(custom_task(train=predicted, task_type="multi_label", columns={"label": ["prediction"]}))
    assert splits.labels == ("a", "b")
    texts = {one.text: one.target for one in splits.train}
    assert {texts[text] for text in texts if text.startswith("w1 ")} == {(0, 1)}
