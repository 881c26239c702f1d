"""What labels are called, in which order, and what is told of them."""

from itertools import permutations

import pyarrow
import pytest
from pyarrow import parquet

from harness.data.custom import custom_task
from harness.data.label_typos import typo_notes
from harness.data.labels import are_measured, label_name, sorted_names, spelling_notes, twin_notes
from harness.data.loading import load_splits
from harness.data.rows import SKIP, Reading
from harness.errors import UserError


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (1, "1"),
        (1.0, "1"),
        (-0.0, "0"),
        (2.5, "2.5"),
        ("1", "1"),
        ("1.0", "1"),
        ("1.00", "1"),
        (" 1. ", "1"),
        ("-0.0", "0"),
        ("2.50", "2.50"),
        ("01", "01"),
        ("neg ", "neg"),
        ("\u00a0neg\n", "neg"),
        ("New  York", "New  York"),
        ("nan", "nan"),
        (float("nan"), None),
        (float("inf"), None),
        ("  ", None),
        (None, None),
        (["a"], None),
        (True, "True"),
    ],
)
def test_a_label_has_one_name_whatever_the_form_of_the_file(field, name):
    assert label_name(field) == name


def test_the_order_of_labels_is_the_same_however_they_come():
    names = ["nan", "10", "2", "inf", "b", "1e1"]
    assert {sorted_names(order) for order in permutations(names)} == {("2", "10", "1e1", "b", "inf", "nan")}


def test_what_is_read_otherwise_than_it_stands_is_told_once():
    (note,) = spelling_notes(["neg", "neg ", "neg ", "pos", "1.0", 1.0])
    assert note == "3 labels are read without blanks at their ends and whole numbers without decimals: 'neg ' as 'neg'"
    (note,) = spelling_notes(["neg ", "pos", "1"])
    assert note == "1 label is read without blanks at their ends: 'neg ' as 'neg'"
    assert list(spelling_notes(["neg", "pos", 1.0, None])) == []


def test_labels_that_differ_in_case_or_number_form_are_kept_and_told():
    (note,) = twin_notes(["Neg", "neg", "pos", "2.5", "2.50"])
    assert note == (
        "labels that differ only in spelling are two classes ('Neg' and 'neg', '2.5' and '2.50'): "
        "rename them if they are one"
    )
    assert list(twin_notes(["neg", "pos", "1", "2"])) == []


def test_rare_labels_a_letter_away_from_a_frequent_one_may_be_typing_errors():
    fields = [*["earn"] * 60, *["ear "] * 2, *["trade"] * 40, *["tarde"] * 2, *["grain", "gain"] * 9, "ship 1", None]
    assert list(typo_notes(fields)) == [
        "labels that may be typing errors are classes of their own: 'ear' (2 rows) and 'earn' (60), "
        "'tarde' (2 rows) and 'trade' (40)"
    ]
    assert list(typo_notes([*["part 1"] * 60, "part 2", *["yes"] * 60, "yet", *["Good"] * 60, "good"])) == []


def test_a_file_with_a_mistyped_label_says_so(tmp_path):
    labels = [*["earn", "trade"] * 20, "ear"]
    assert [note for note in load_splits(own(tmp_path, labels)).notes if "'ear' (1 row) and 'earn' (20)" in note]


@pytest.mark.parametrize(
    ("fields", "measured"),
    [
        ([f"{n}.25" for n in range(30)], True),
        ([n * 1_000 for n in range(30)], True),
        (list(range(30)), False),  # one example of each class
        ([n % 15 * 1_000 for n in range(30)], False),
        ([*(f"{n}.25" for n in range(29)), "much"], False),
        ([f"{n}.25" for n in range(20)], False),
        ([f"{n}.25" for n in range(21)], True),
        ([*(f"{n}.25" for n in range(21)), *["30.5", "31.5", "32.5"] * 7], False),  # half of the rows share theirs
        (list(range(0, 60, 2)), False),
        ([*range(0, 58, 2), 60], True),  # on average two apart
        (list(range(1_000, 1_030)), False),  # counted from somewhere
        ([n / 2 for n in range(30)], True),  # some whole, some not
    ],
)
def test_numbers_of_which_most_rows_have_their_own_are_no_classes(fields, measured):
    assert are_measured(fields) is measured


def own(tmp_path, labels, **settings):
    file = tmp_path / "train.csv"
    file.write_text("text,label\n" + "".join(f'w{n} v{n},"{label}"\n' for n, label in enumerate(labels)))
    return custom_task(train=file, **settings)


def test_texts_without_a_label_are_refused_with_a_remedy_or_skipped_and_counted(tmp_path):
    labels = [*["a", "b"] * 10, "", " "]
    with pytest.raises(UserError) as raised:
        load_splits(own(tmp_path, labels))
    assert raised.value.lines == tuple(
        f"train ({tmp_path / 'train.csv'}, line {line}): label: no label (got {got!r}). Fill the field, or leave the "
        f"row out.{SKIP}"
        for line, got in ((22, ""), (23, " "))
    )
    assert load_splits(own(tmp_path, labels, blank_rows="skip")).dropped == {"train rows without a text or a label": 2}


@pytest.mark.parametrize(("task_type", "label", "left"), [("regression", "", 20), ("multi_label", "", 21)])
def test_only_a_task_type_whose_texts_all_have_a_label_skips_those_without(tmp_path, task_type, label, left):
    task = own(tmp_path, [*["1", "2.5"] * 10, label], task_type=task_type, blank_rows="skip")
    splits = load_splits(task)
    assert len([*splits.train, *splits.validation, *splits.test]) == left


def test_many_numbers_read_as_classes_are_told(tmp_path):
    (note,) = load_splits(own(tmp_path, [f"{n % 12}.5" for n in range(120)])).notes
    assert note == "the labels are 12 different numbers, read as classes: --task-type regression reads them as amounts"
    assert load_splits(own(tmp_path, [f"{n % 12}" for n in range(120)])).notes == ()


def test_numbers_without_classes_point_to_regression(tmp_path):
    with pytest.raises(UserError) as raised:
        load_splits(own(tmp_path, [f"{n}.25" for n in range(30)]))
    assert raised.value.lines == (
        "train: label: 30 different numbers in 30 rows, such as 0.25. Numbers: did you mean --task-type regression?",
    )


@pytest.mark.parametrize("spelt", ["['a']", "[]"])
def test_lists_of_labels_point_to_the_task_type_that_reads_them(tmp_path, spelt):
    with pytest.raises(UserError) as raised:
        load_splits(own(tmp_path, [spelt] * 20))
    (line,) = raised.value.lines
    assert line == f"train: label: a list, not one label (got {spelt!r}). Did you mean --task-type multi_label?"
    with pytest.raises(UserError) as raised:
        load_splits(own(tmp_path, [*["a", "b"] * 10, spelt]))
    (line,) = raised.value.lines
    assert line.endswith(
        f"line 22): label: a list, not one label (got {spelt!r}). Did you mean --task-type multi_label?"
    )


def test_blanks_and_decimals_make_no_second_class_and_are_told(tmp_path):
    splits = load_splits(own(tmp_path, ["neg", "neg ", " 1.0", "1"] * 10))
    assert splits.labels == ("1", "neg")
    (note,) = splits.notes
    assert note.startswith("20 labels are read without blanks at their ends and whole numbers without decimals")


def test_a_test_file_s_labels_are_the_same_in_another_format(tmp_path):
    parquet.write_table(pyarrow.table({"text": ["x", "y"], "label": [1.0, 2.0]}), tmp_path / "test.parquet")
    task = own(tmp_path, ["1", "2"] * 10, test=tmp_path / "test.parquet")
    assert [one.target for one in load_splits(task).test] == [0, 1]


KNOWN = ("bad", "good")


@pytest.mark.parametrize(
    ("labels", "known", "said"),
    [
        (["Good", "BAD", "Good"], KNOWN, "in case or blanks alone: write 'good' for 'Good', 'bad' for 'BAD'."),
        (["0", "1"], KNOWN, "These are numbers, and the known ones are names: give each row its label's name."),
        (KNOWN, ("0", "1"), "These are names, and the known ones are numbers: give each row its label's number."),
        (["bda", "fine"], KNOWN, "Did you mean 'bad' for 'bda'? Rename the others, or leave their rows out."),
        (["fine", "dull"], KNOWN, "Rename them, or leave these rows out."),
    ],
)
def test_labels_that_are_not_known_are_told_once_with_what_they_may_mean(labels, known, said):
    task = custom_task(train="any.csv", task_type="classification")
    reading = Reading(task, tuple(known))
    rows = [{"text": f"film {n}", "label": label} for n, label in enumerate([*labels, known[0]])]
    reading.examples("data", rows)
    (line,) = reading.problems
    assert line.startswith(
        f"data row 1: label: this row and {len(labels) - 1} more of {len(rows)} have labels that are not among those "
        f"of the training data or task: '{labels[0]}' ("
    )
    assert f"Known: '{known[0]}', '{known[1]}'. " in line
    assert line.endswith(said)


def test_many_unknown_labels_are_counted_and_other_mistakes_are_told_too():
    task = custom_task(train="any.csv", task_type="classification")
    reading = Reading(task, tuple(f"topic {n}" for n in range(30)))
    rows = [{"text": "a", "label": f"theme {n}"} for n in range(9)]
    reading.examples("data", [{"text": 5, "label": "topic 1"}, *rows])
    told, other = reading.problems
    assert "and 4 more. Known: " in told
    assert "'topic 9' and 20 more. " in told
    assert other.startswith("data row 1: text: not text")
