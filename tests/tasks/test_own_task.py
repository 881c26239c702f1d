"""A task out of the user's own files."""

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


@pytest.mark.parametrize("kind", TASK_TYPES.names())
def test_every_kind_can_be_asked_for_and_has_metrics(kind, tmp_path):
    file = tmp_path / "train.jsonl"
    file.write_text('{"tokens": ["Bern"], "tags": ["B-LOC"]}\n')  # whose metrics depend on the tags
    task = custom_task(train=file, task_type=kind)
    assert task.task_type == kind
    assert task.metrics == TASK_TYPES.load(kind).default_metrics


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
        "names a column that classification has no use for"
        in complaint(task_type="classification", columns={"question": ["q"]})[0]
    )


def test_three_texts_are_one_too_many():
    assert "(got 3)" in complaint(columns={"text": ["a", "b", "c"]})[0]


def test_an_unknown_kind_names_the_nearest():
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
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    (tmp_path / "b.txt").write_bytes(b"fine")
    (tmp_path / "c.txt").write_bytes(b"\nna\xefve")
    with pytest.raises(UserError) as raised:
        load_splits(custom_task(train=tmp_path, task_type="language_modelling"))
    assert [line.partition(": not UTF-8")[0] for line in raised.value.lines] == [
        f"{tmp_path / 'a.txt'}, line 1",
        f"{tmp_path / 'c.txt'}, line 2",
    ]


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a folder without a \.txt file in it"):
        load_splits(custom_task(train=tmp_path, task_type="language_modelling"))


def test_documents_have_one_column_and_no_label():
    lines = complaint(task_type="language_modelling", columns={"text": ["a", "b"], "label": ["c"]})
    assert lines[0] == "text: one column makes an input (got 2). Name one."
    assert lines[1].startswith("label: names a column that language_modelling has no use for")
