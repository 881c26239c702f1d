"""Rows made examples, and every mistake in them told at once."""

import math
from dataclasses import replace

import pytest

from harness.data.loading import load_splits
from harness.data.sources import Files, Generated
from harness.data.task import Task
from harness.errors import UserError


def task(task_type="classification", train=(), *, validation=None, test=None, **settings):
    tables = {"train": list(train), "validation": validation, "test": test}
    source = Generated(lambda: {split: rows for split, rows in tables.items() if rows is not None}, version="1")
    return Task(task_type=task_type, source=source, metrics=(), licence="", citation="", **settings)


def rows(count, labels=("no", "yes"), **more):
    """Rows that share no words, so that none repeats another."""
    return [{"text": f"w{n} v{n}", "label": labels[n % len(labels)], **more} for n in range(count)]


def complaint(of):
    with pytest.raises(UserError) as raised:
        load_splits(of)
    return raised.value.lines


def split_rows(start, count=6, labels=("no", "yes")):
    return [{"text": f"w{start + n}", "label": labels[n % len(labels)]} for n in range(count)]


def test_what_a_source_notes_of_its_rows_is_noted_of_the_splits():
    class Noted(Generated):
        def notes(self):
            return ["data: its publisher may change it"]

    plain = task(train=split_rows(0), validation=split_rows(10), test=split_rows(20))
    noted = replace(plain, source=Noted(plain.source.function, version="1"))
    assert [load_splits(one).notes for one in (plain, noted)] == [(), ("data: its publisher may change it",)]


def test_published_splits_are_kept_as_they_are():
    splits = load_splits(task(train=split_rows(0), validation=split_rows(10), test=split_rows(20)))
    assert [len(split) for split in (splits.train, splits.validation, splits.test)] == [6, 6, 6]
    assert splits.train[0].id == "train-1"
    assert splits.labels == ("no", "yes")
    assert splits.dropped == {}


def test_an_index_is_looked_up_in_the_tasks_labels_and_a_name_by_its_name():
    by_index = load_splits(task(train=rows(20, [0, 1]), labels=("yes", "no")))
    by_name = load_splits(task(train=rows(20, ["yes", "no"]), labels=("yes", "no")))
    assert [one.target for one in by_index.train] == [one.target for one in by_name.train]


def test_labels_named_in_another_order_than_the_data_set_are_found_by_name():
    splits = load_splits(task(train=rows(20, ["neg", "pos"]), labels=("pos", "neg")))
    found = {one.text: splits.labels[one.target] for one in splits.train}
    assert found
    assert found.items() <= {row["text"]: row["label"] for row in rows(20, ["neg", "pos"])}.items()


def test_an_unknown_label_names_the_nearest_one():
    (line,) = complaint(task(train=[*rows(20), {"text": "z", "label": "yess"}], labels=("no", "yes")))
    assert "label 'yess'" in line
    assert "Did you mean yes?" in line


def test_a_label_of_test_that_training_never_shows_is_an_error():
    (line,) = complaint(task(train=rows(6), validation=rows(2), test=split_rows(50, 2, ["maybe", "no"])))
    assert line.startswith("test row 1: label: label 'maybe' is not among those of the training data")
    judged = {"validation": split_rows(60), "test": split_rows(50, 2, ["maybe", "no"])}
    (line,) = complaint(task(train=rows(6), **judged, labels=("no", "yes", "maybe")))
    assert line.startswith("test: label 'maybe' never occurs in train")


def test_training_on_one_class_only_is_an_error():
    (line,) = complaint(task(train=rows(20, ["yes"])))
    assert line == "train: every row has the label 'yes'. Give at least two labels."


def test_a_training_split_that_only_repeats_test_is_an_error():
    lines = complaint(task(train=split_rows(0), validation=split_rows(20), test=split_rows(0)))
    assert lines == (
        "Left out or changed before: train rows that nearly repeat validation or test (6).",
        "train: no row is left. Give more rows.",
    )


def test_a_label_that_training_loses_to_repeats_is_an_error():
    lost = [{"text": "only one", "label": "maybe"}]
    reason, line = complaint(task(train=[*rows(20), *lost], validation=split_rows(50), test=lost))
    assert reason == "Left out or changed before: train rows that nearly repeat validation or test (1)."
    assert line.startswith("test: label 'maybe' never occurs in train")


def test_a_missing_column_is_told_once_with_the_columns_there_are():
    (line,) = complaint(task(train=rows(20), columns={"text": "txt"}))
    assert line == "train row 1: no column 'txt' (its columns: text, label). Did you mean text?"


def test_an_empty_split_is_an_error():
    assert complaint(task(train=rows(20), test=[])) == ("test: has no rows. Give at least one example.",)


@pytest.mark.parametrize("field", [None, math.nan, 3])
def test_a_field_that_is_no_text_is_an_error_with_its_row(field):
    (line,) = complaint(task(train=[*rows(20), {"text": field, "label": "no"}]))
    assert line.startswith(f"train row 21: text: not text (got {field!r})")


def test_the_first_ten_mistakes_of_all_splits_are_told_and_the_rest_counted():
    bad = [{"text": None, "label": "no"}]
    lines = complaint(task(train=[*rows(20), *bad * 8], test=bad * 7))
    assert len(lines) == 11
    assert lines[-1].startswith("and 5 more")


def test_a_mistake_in_a_file_names_the_file_and_the_line(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("text,label\n" + "".join(f"w{n},{n % 2}\n" for n in range(20)) + "z,\n")
    own = Task(task_type="classification", source=Files(file), metrics=(), licence="", citation="")
    (line,) = complaint(own)
    assert line.startswith(f"train ({file}, line 22): label: no label")


def test_an_empty_text_is_an_input_like_any_other():
    splits = load_splits(task(train=split_rows(0), validation=split_rows(10), test=[{"text": "", "label": "no"}]))
    assert splits.test[0].text == ""


def test_a_list_of_paragraphs_is_joined_by_line_ends():
    splits = load_splits(task(train=rows(20), test=[{"text": ["one", "two"], "label": "no"}]))
    assert splits.test[0].text == "one\ntwo"


def test_a_pair_has_two_texts():
    train = [{"a": f"w{n}", "b": f"v{n}", "label": n % 2} for n in range(20)]
    one = load_splits(task(train=train, columns={"text": ("a", "b")})).train[0]
    assert (one.text[0], one.pair) == ("w", f"v{one.text[1:]}")


def test_ids_that_several_rows_have_are_not_used_and_told():
    train = [row | {"id": "same" if n < 2 else str(n)} for n, row in enumerate(rows(20))]
    splits = load_splits(task(train=train))
    assert {example.id for example in splits.train + splits.validation + splits.test} == {
        f"train-{number}" for number in range(1, 21)
    }
    told = "train: several rows have the id 'same', so rows are called by their number instead"
    assert told in splits.notes


@pytest.mark.parametrize("field", ["much", None, math.nan, math.inf, "nan", True])
def test_a_regression_target_must_be_a_finite_number(field):
    train = [{"text": f"w{n}", "label": n} for n in range(20)]
    (line,) = complaint(task("regression", [*train, {"text": "z", "label": field}]))
    is_missing = field is None or field is math.nan
    said = "no label" if is_missing else "not a finite number"
    assert line.startswith(f"train row 21: label: {said} (got {field!r})")


def test_several_labels_are_a_list_or_text_with_bars_and_may_be_none():
    train = [{"text": f"w{n}", "label": ["b", "a"] if n else ["b"]} for n in range(10)]
    test = [{"text": "x", "label": "a|b"}, {"text": "y", "label": []}, {"text": "z", "label": ""}]
    splits = load_splits(task("multi_label", train, validation=[{"text": "v", "label": ["b"]}], test=test))
    assert splits.labels == ("a", "b")
    assert [one.target for one in (*splits.validation, *splits.test)] == [(1,), (0, 1), (), ()]


def test_groups_that_given_splits_share_with_train_are_noted():
    grouped = [row | {"film": f"f{number}"} for number, row in enumerate(rows(30))]
    test = [{"text": f"t{n}", "label": "no", "film": f"f{n}"} for n in range(28, 33)]
    validation = [row | {"film": None} for row in split_rows(100)]
    given = task(train=grouped, validation=validation, test=test, group="film")
    assert load_splits(given).notes == ("2 of 5 test rows are of a group that is in train too, as the files have it",)
    assert load_splits(replace(given, group=None)).notes == ()


def test_a_group_is_told_as_text():
    splits = load_splits(task(train=[row | {"film": n // 2} for n, row in enumerate(rows(40))], group="film"))
    assert {one.group for split in (splits.train, splits.validation, splits.test) for one in split} == set(
        map(str, range(20))
    )


def questions(fields, split="train"):
    context = "Rome fell in 476. Paris did not fall."
    others = [{"question": f"q{n} r{n}", "context": context, "answers": ["Rome"], "group": n} for n in range(30)]
    asked = [{"question": f"asked {n}", "context": context, "answers": field} for n, field in enumerate(fields)]
    tables = {"train": others, "validation": others[:1], "test": others[:1]}
    tables = {name: list(rows) for name, rows in tables.items()}
    tables["validation"] = [{**others[0], "question": "v"}]
    tables["test"] = [{**others[0], "question": "t"}]
    tables[split] = [*tables[split], *asked]
    return task("question_answering", tables["train"], validation=tables["validation"], test=tables["test"])


def test_an_answer_that_is_not_in_its_context_is_left_out_of_training_and_counted():
    splits = load_splits(questions([["London"], ["Paris"]]))
    assert [one.question for one in splits.train if one.question.startswith("asked")] == ["asked 1"]
    assert splits.dropped["train rows whose answer is not in its context"] == 1


def test_an_answer_that_is_not_in_its_context_still_judges():
    (one,) = [one for one in load_splits(questions([["London"]], "test")).test if one.question == "asked 0"]
    assert [(answer.text, answer.start) for answer in one.answers] == [("London", -1)]


def test_a_repeated_row_is_dropped_from_train_and_counted_but_a_given_test_split_stays_whole():
    test = [*split_rows(20), {"text": "W20 ", "label": "no"}]
    splits = load_splits(task(train=[*split_rows(0), *split_rows(0, 2)], validation=split_rows(10), test=test))
    assert (len(splits.train), len(splits.test)) == (6, 7)
    assert splits.dropped == {"train rows that repeat an earlier one": 2}


def test_what_was_left_out_is_told_before_what_is_missing_for_it():
    context = "Rome fell in 476."
    asked = [{"question": f"q{n}", "context": context, "answers": ["London"]} for n in range(12)]
    lines = complaint(task("question_answering", [*asked, {**asked[0], "answers": ["Rome"]}]))
    assert lines[0] == "Left out or changed before: train rows whose answer is not in its context (12)."
    assert lines[1].startswith("train: 1 different example is too few to take test from")


def test_a_task_can_keep_near_duplicates():
    long = " ".join(f"w{n}" for n in range(30))
    train = [*rows(20), {"text": f"{long} end", "label": "no"}]
    tables = {"train": train, "validation": split_rows(40), "test": [{"text": long, "label": "no"}]}
    assert len(load_splits(task(**tables)).train) == 20
    assert len(load_splits(task(**tables, near_duplicates="keep")).train) == 21


def test_a_task_can_keep_rows_that_are_many_on_purpose():
    tables = {"train": [*rows(20), *rows(1), *rows(1)], "validation": split_rows(40), "test": split_rows(50)}
    assert len(load_splits(task(**tables)).train) == 20
    kept = load_splits(task(**tables, keep_repeats=True))
    assert len(kept.train) == 22
    assert not kept.dropped


def test_without_the_test_split_none_of_it_is_read():
    broken = [{"text": None, "label": None}]
    given = task(train=split_rows(0), validation=split_rows(10), test=broken)
    splits = load_splits(given, test=False)
    assert (len(splits.train), len(splits.validation), splits.test) == (6, 6, [])

    class Splitwise(Generated):
        def rows(self):
            raise AssertionError

        def rows_without(self, split):
            return {name: () if name == split else rows for name, rows in super().rows().items()}

    assert load_splits(replace(given, source=Splitwise(given.source.function, version="1")), test=False) == splits


def test_without_the_test_split_the_others_must_have_rows_all_the_same():
    repeated = task(train=split_rows(0), validation=split_rows(0), test=split_rows(10))
    with pytest.raises(UserError, match="train: no row is left"):
        load_splits(repeated, test=False)


def test_a_test_split_of_which_some_rows_have_no_answer_is_not_called_one_without_answers():
    half = [{"text": None, "label": "no"}, {"text": "x y", "label": None}]
    lines = complaint(task(train=split_rows(0), validation=split_rows(10), test=half))
    assert [line.partition(" (")[0] for line in lines] == ["test row 1: text: not text", "test row 2: label: no label"]
    columns = {"label": ("sport", "food")}
    sets = [{"text": f"w{n} v{n}", "sport": n % 2, "food": 1 - n % 2} for n in range(12)]
    (line,) = complaint(
        task("multi_label", sets[:6], validation=sets[6:], test=[{**sets[0], "food": None}], columns=columns)
    )
    assert line.startswith("test row 1: food: ")


def test_a_training_row_without_its_answer_is_not_for_prediction():
    (line,) = complaint(task("question_answering", [{"question": "q", "context": "c"}]))
    assert line.endswith("Name it with --answers, or give another --task-type.")
