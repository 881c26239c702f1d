"""A task out of the user's own files."""

import gzip
import json

import pytest

from harness.data.custom import custom_task
from harness.data.loading import load_splits
from harness.errors import UserError
from harness.registry import TASK_TYPES


def complaint(**settings):
    with pytest.raises(UserError) as raised:
        custom_task(train="train.csv", **settings)
    return raised.value.lines


def test_text_and_label_columns_are_assumed_and_it_is_classification():
    task = custom_task(train="train.csv")
    assert (task.task_type, task.columns_of("text"), task.column("label")) == ("classification", ("text",), "label")
    assert task.metrics == ("accuracy", "macro_f1")


def test_naming_a_question_makes_it_question_answering():
    task = custom_task(train="train.jsonl", columns={"question": ["q"], "context": ["passage"]})
    assert task.task_type == "question_answering"
    assert [task.column(role) for role in ("question", "context", "answers")] == ["q", "passage", "answers"]
    assert task.metrics == ("qa_f1", "exact_match")


@pytest.mark.parametrize("task_type", TASK_TYPES.names())
def test_every_task_type_can_be_asked_for_and_has_metrics(task_type, tmp_path):
    file = tmp_path / "train.jsonl"
    file.write_text('{"tokens": ["Bern"], "tags": ["B-LOC"]}\n')  # whose metrics depend on the tags
    task = custom_task(train=file, task_type=task_type)
    assert task.task_type == task_type
    assert task.metrics == TASK_TYPES.load(task_type).default_metrics


def test_naming_tokens_makes_it_token_classification(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("words,tags\nBern is big,B-LOC O O\n")
    task = custom_task(train=file, columns={"tokens": ["words"]})
    assert (task.task_type, task.column("tokens"), task.column("tags")) == ("token_classification", "words", "tags")
    assert task.metrics == ("entity_f1", "entity_precision", "entity_recall", "tag_accuracy")


def test_tags_that_spell_no_entities_are_judged_by_their_accuracy(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("tokens,tags\nBern is big,PROPN AUX ADJ\n")
    assert custom_task(train=file, task_type="token_classification").metrics == ("tag_accuracy",)
    assert custom_task(train=file, task_type="token_classification", metrics=["entity_f1"]).metrics == ("entity_f1",)


def test_every_setting_that_does_not_fit_is_told_at_once():
    lines = complaint(columns={"question": ["q"], "text": ["a"], "label": ["b"]}, metrics=["accuracy", "f2"])
    assert [line.split(":")[0] for line in lines] == ["text", "label", "metrics", "metrics"]
    assert "accuracy does not score question_answering" in lines[2]


def test_a_question_in_a_classification_task_does_not_fit():
    assert (
        "names a column that classification does not use"
        in complaint(task_type="classification", columns={"question": ["q"]})[0]
    )


def test_three_texts_are_one_too_many():
    assert "(got 3)" in complaint(columns={"text": ["a", "b", "c"]})[0]


def test_a_column_that_is_named_twice_is_refused():
    assert complaint(columns={"text": ["a", "a"]}) == ("text: names a column twice (got a, a). Name each once.",)


def test_an_unknown_task_type_names_the_nearest():
    assert "Did you mean regression?" in complaint(task_type="regresion")[0]


def test_own_files_are_read_split_and_scored_columns_and_all(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("review,stars\n" + "".join(f"w{n} v{n},{n % 5}\n" for n in range(100)))
    splits = load_splits(custom_task(train=file, columns={"text": ["review"], "label": ["stars"]}))
    assert splits.labels == ("0", "1", "2", "3", "4")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (70, 10, 20)


def test_a_missing_label_column_names_those_that_are_there(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("text,stars\nx,1\ny,2\n")
    with pytest.raises(UserError, match=r"no column 'label' \(its columns: text, stars\)"):
        load_splits(custom_task(train=file))


def test_a_folder_of_texts_is_a_document_a_file(tmp_path):
    for split, count in (("train", 12), ("test", 2)):
        (tmp_path / split).mkdir()
        for number in range(count):
            (tmp_path / split / f"{number}.txt").write_text(f"Text {number} of {split}.\n\nIt ends.\n")
    (tmp_path / "validation.txt").write_text("\ufeffOne file is one document.\n", encoding="utf-8")
    task = custom_task(
        train=tmp_path / "train",
        validation=tmp_path / "validation.txt",
        test=tmp_path / "test",
        task_type="language_modelling",
    )
    splits = load_splits(task)
    assert [len(split) for split in (splits.train, splits.validation, splits.test)] == [12, 1, 2]
    assert splits.test[1].text == "Text 1 of test.\n\nIt ends.\n"
    assert splits.test[1].id == "1.txt"
    before = task.source.fingerprint()
    (tmp_path / "test" / "1.txt").write_text("Another one.")
    assert task.source.fingerprint() != before


def test_a_folder_s_texts_that_are_no_utf_8_are_told_with_their_files(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xe9\xe8")
    (tmp_path / "b.txt").write_bytes(b"fine")
    (tmp_path / "c.txt").write_bytes("\nna\u00efve, caf\u00e9".encode() + b"\xff")
    with pytest.raises(UserError) as raised:
        load_splits(custom_task(train=tmp_path, task_type="language_modelling"))
    assert [line.partition(": not UTF-8")[0] for line in raised.value.lines] == [
        f"{tmp_path / 'a.txt'}, line 1",
        f"{tmp_path / 'c.txt'}, line 2",
    ]


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(UserError, match="a folder without a file that can be read"):
        load_splits(custom_task(train=tmp_path, task_type="language_modelling"))


def test_documents_have_one_column_and_no_label():
    lines = complaint(task_type="language_modelling", columns={"text": ["a", "b"], "label": ["c"]})
    assert lines[0] == (
        "text: takes at most 1 column (got 2). "
        "Name fewer, or choose another task type: classification, multi_label, multiple_choice, regression."
    )
    assert lines[1].startswith("label: names a column that language_modelling does not use")


@pytest.mark.parametrize("ending", [".conll", ".iob", ".bio", ".conll.gz"])
def test_a_column_file_makes_it_token_classification(tmp_path, ending):
    file = tmp_path / f"train{ending}"
    content = b"Bern\tB-LOC\nis\tO\n"
    file.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    assert custom_task(train=file).task_type == "token_classification"
    assert custom_task(train=file, task_type="classification").task_type == "classification"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"separator": "::"}, "separator: must be one character, or comma, semicolon, tab, pipe (got '::')."),
        ({"separator": '"'}, "separator: must be one character"),
        ({"separator": ""}, "separator: must be one character"),
        ({"encoding": "utf9"}, "encoding: Python knows no such encoding of text (got 'utf9')."),
        ({"encoding": "hex"}, "encoding: Python knows no such encoding of text (got 'hex')."),
    ],
)
def test_a_separator_or_encoding_that_is_none_is_told(settings, said):
    (line,) = complaint(**settings)
    assert line.startswith(said)


def test_a_test_file_without_answers_points_to_predict(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"w{n} v{n},{n % 2}\n" for n in range(40)))
    (tmp_path / "test.csv").write_text("text\nw90 v90\n")
    with pytest.raises(UserError) as raised:
        load_splits(custom_task(train=tmp_path / "train.csv", test=tmp_path / "test.csv"))
    (line,) = raised.value.lines
    assert "test.csv, line 2): no column 'label' (its columns: text)." in line
    assert line.endswith(" A file without answers is for `harness predict --input`: leave it out here.")
    (tmp_path / "test.csv").write_text("text,label\nw90 v90,\nw91 v91,\n")
    with pytest.raises(UserError) as raised:
        load_splits(custom_task(train=tmp_path / "train.csv", test=tmp_path / "test.csv"))
    assert raised.value.lines[0].startswith("test: no row has an answer. A file without answers is for")
    assert len(raised.value.lines) == 3


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"question": "q", "context": "c", "answers": []}, "question_answering"),
        ({"tokens": [], "tags": []}, "token_classification"),
    ],
)
def test_rows_that_fit_another_task_type_name_it(tmp_path, row, name):
    (tmp_path / "train.jsonl").write_text(json.dumps(row))
    with pytest.raises(UserError) as raised:
        load_splits(custom_task(train=tmp_path / "train.jsonl"))
    assert raised.value.lines[0].endswith(f" Did you mean --task-type {name}?")


@pytest.mark.slow
def test_of_very_many_columns_a_few_and_their_number_are_listed(tmp_path):
    names = [f"column_{number}" for number in range(100_000)]
    (tmp_path / "train.csv").write_text(",".join(names) + "\n" + ",".join("x" for _ in names) + "\n")
    with pytest.raises(UserError) as raised:
        load_splits(custom_task(train=tmp_path / "train.csv", columns={"text": ["column_x7"]}))
    first, second = raised.value.lines
    assert "and 99,990 more). Did you mean column_7?" in first
    assert "no column 'label' (its columns: " in second
    assert len(first) < 400 > len(second)


def test_only_the_columns_that_are_used_need_a_name_of_their_own(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("text,label,note,note,\n" + "".join(f"w{n} v{n},{n % 2},,,\n" for n in range(40)))
    assert len(load_splits(custom_task(train=file)).train) == 28
    with pytest.raises(UserError, match=r"train.csv, line 2\): column 'note' appears twice"):
        load_splits(custom_task(train=file, columns={"text": ["note"]}))
