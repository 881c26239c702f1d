"""Words and tags out of files in all their forms, and what is said of those that don't fit."""

import json
from pathlib import Path

import pytest

from harness.data.custom import custom_task
from harness.data.files import read_rows
from harness.data.loading import load_splits
from harness.errors import UserError
from harness.task_types.token_classification.examples import items_of, words_of
from harness.task_types.token_classification.words import places_of, split_words

CONLL = """-DOCSTART- -X- -X- O

SOCCER NN B-NP O
JAPAN NNP B-NP B-LOC

-DOCSTART- -X- -X- O

# NN B-NP O
Nadim NNP B-NP B-PER
Ladki NNP I-NP I-PER
"""


def rows_of(content, tmp_path, name="words.conll"):
    file = tmp_path / name
    file.write_text(content)
    return read_rows(file)


@pytest.mark.parametrize("name", ["words.conll", "words.iob", "words.BIO"])
def test_a_column_file_has_a_row_per_sentence_with_its_document(name, tmp_path):
    first, second = rows_of(CONLL, tmp_path, name)
    assert first == {
        "tokens": ["SOCCER", "JAPAN"],
        "column_2": ["NN", "NNP"],
        "column_3": ["B-NP", "B-NP"],
        "tags": ["O", "B-LOC"],
        "document": "1",
    }
    assert (second["tokens"], second["document"]) == (["#", "Nadim", "Ladki"], "2")
    assert second.place == f"{tmp_path / name}, line 8"


def test_columns_may_be_parted_by_tabs_and_comments_are_no_words(tmp_path):
    (row,) = rows_of("# id = 1\nNew York\tB-LOC\nis\tO\n\n\n", tmp_path)
    assert row == {"tokens": ["New York", "is"], "tags": ["B-LOC", "O"]}


def test_words_alone_have_no_tags(tmp_path):
    assert rows_of("Bern\nis\n\nbig\n", tmp_path) == [{"tokens": ["Bern", "is"]}, {"tokens": ["big"]}]


def test_lines_with_other_columns_are_told(tmp_path):
    with pytest.raises(UserError) as raised:
        rows_of("a O\nb\nc O\nd O O\n", tmp_path)
    assert [line.partition("words.conll, ")[2] for line in raised.value.lines] == [
        "line 2: 1 column, but most lines have 2. Fix the line.",
        "line 4: 3 columns, but most lines have 2. Fix the line.",
    ]


def test_a_column_file_without_a_word_is_empty(tmp_path):
    with pytest.raises(UserError, match="has no rows"):
        rows_of("\n\n-DOCSTART- -X- O\n\n", tmp_path)


def task_on(tmp_path, rows, **settings):
    for split, some in zip(("train", "validation", "test"), rows, strict=True):
        text = "".join(json.dumps(row) + "\n" for row in some)
        (tmp_path / f"{split}.jsonl").write_text(text)
    files = {split: tmp_path / f"{split}.jsonl" for split in ("train", "validation", "test")}
    return custom_task(**files, task_type="token_classification", **settings)


def tagged(words, tags):
    return {"tokens": words.split(), "tags": tags.split()}


TRAIN = [tagged("Bern is big", "B-LOC O O"), tagged("New York too", "B-LOC I-LOC O")]
GOOD = [TRAIN, [tagged("Rome is old", "B-LOC O O")], [tagged("Oslo is cold", "B-LOC O O")]]


def test_the_labels_are_those_of_the_training_data_sorted(tmp_path):
    splits = load_splits(task_on(tmp_path, GOOD))
    assert splits.labels == ("B-LOC", "I-LOC", "O")
    assert splits.train[1].words == ("New", "York", "too")
    assert splits.train[1].tags == (0, 1, 2)
    assert splits.train[1].label_indices == (0, 1, 2)


def test_csv_has_words_and_tags_with_blanks_between(tmp_path):
    for split, row in (
        ("train", "Bern is big,B-LOC O O\nRome grows,B-LOC O"),
        ("validation", "Oslo is cold,B-LOC O O"),
    ):
        (tmp_path / f"{split}.csv").write_text(f"tokens,tags\n{row}\n")
    (tmp_path / "test.csv").write_text("tokens,tags\nParis is far,B-LOC O O\n")
    files = {split: tmp_path / f"{split}.csv" for split in ("train", "validation", "test")}
    splits = load_splits(custom_task(**files, task_type="token_classification"))
    assert splits.test[0].words == ("Paris", "is", "far")


@pytest.mark.parametrize(
    ("tokens", "tags"),
    [
        ("['New', \"York\", '5']", "['B-LOC', 'I-LOC', 'O']"),
        ('["New", "York", "5"]', '["B-LOC", "I-LOC", "O"]'),
        ("['New' 'York' '5']", "['B-LOC' 'I-LOC'\n 'O']"),
        ("New York 5", "B-LOC I-LOC O"),
    ],
)
def test_lists_in_a_csv_file_are_lists(tokens, tags):
    assert words_of(tokens, "tokens") == ("New", "York", "5")
    assert list(items_of(tags)) == ["B-LOC", "I-LOC", "O"]
    assert items_of("[1, 0, 2]") == items_of("[1 0 2]") == [1, 0, 2]


def test_a_sentence_in_brackets_is_no_list():
    for sentence in ("[ 5 ]", "[ see above ]", "[ 'tis ]", "{ 1 }", "[ 1 , 2 ]"):
        assert words_of(sentence, "tokens") == tuple(sentence.split())


def test_documents_of_several_files_are_not_the_same_by_their_numbers(tmp_path):
    for name in ("a.conll", "b.conll"):
        (tmp_path / name).write_text(CONLL)
    assert [row["document"] for row in read_rows(tmp_path)] == ["a.conll 1", "a.conll 2", "b.conll 1", "b.conll 2"]


def test_documents_of_a_column_file_stay_together(tmp_path):
    articles = [
        "".join(f"word{article}x{number} O\nName{article}x{number} B-PER\n\n" for number in range(4))
        for article in range(15)
    ]
    file = tmp_path / "train.conll"
    file.write_text("".join(f"-DOCSTART- O\n\n{article}" for article in articles))
    splits = load_splits(custom_task(train=file, task_type="token_classification"))
    sides = [{one.group for one in split} for split in (splits.train, splits.validation, splits.test)]
    assert all(sides)
    assert sum(map(len, sides)) == len(set().union(*sides)) == 15


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "tags: not a tag per word (got 1 for 2 words). Fix the row."),
        ({"tokens": [], "tags": []}, "tokens: an empty sentence. Fill the field, or leave the row out."),
        ({"tokens": "[]", "tags": "[]"}, "tokens: an empty sentence. Fill the field, or leave the row out."),
        ({"tokens": ["a", 3], "tags": ["O", "O"]}, "tokens: not a list of words (got ['a', 3])."),
        ({"tokens": None, "tags": ["O"]}, "tokens: not a list of words (got None)."),
        ({"tokens": ["a"], "tags": None}, "tags: not a tag per word (got none for 1 words)."),
        ({"tokens": ["a"], "tags": [None]}, "tags: no label (got None)."),
        (tagged("a", "B-LOK"), "tags: label 'B-LOK' is not among those of the training data or task. Did you mean"),
    ],
)
def test_a_row_that_does_not_fit_is_told_with_its_place(row, said, tmp_path):
    with pytest.raises(UserError) as raised:
        load_splits(task_on(tmp_path, [TRAIN, GOOD[1], [row]]))
    *_, line = raised.value.lines
    assert line.startswith(f"test ({tmp_path / 'test.jsonl'}, line 1): ")
    assert said in line


def test_words_that_all_have_one_tag_teach_nothing(tmp_path):
    with pytest.raises(UserError, match="train: every word has the tag 'O'"):
        load_splits(task_on(tmp_path, [[tagged("a b", "O O")], [tagged("c", "O")], [tagged("d", "O")]]))


def test_entities_out_of_the_scheme_are_counted_and_kept(tmp_path):
    odd = [tagged("to New York", "O I-LOC I-LOC")]
    splits = load_splits(task_on(tmp_path, [[*TRAIN, *odd], *GOOD[1:]]))
    assert splits.dropped == {"train entities not spelt as in BIO or IOBES (read as conlleval reads them)": 1}
    assert len(splits.train) == 3


def test_plain_tags_are_counted_as_nothing_odd(tmp_path):
    plain = [tagged("Bern is", "PROPN AUX")], [tagged("Rome is", "PROPN AUX")], [tagged("Oslo is", "PROPN AUX")]
    task = task_on(tmp_path, plain)
    assert load_splits(task).dropped == {}
    assert task.metrics == ("tag_accuracy",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Angela Merkel visited Paris.", ["Angela", "Merkel", "visited", "Paris", "."]),
        ("O'Neill paid $3.50, twice!", ["O'Neill", "paid", "$", "3.50", ",", "twice", "!"]),
        ("Le cafe\u0301 de Zoe\u0308.", ["Le", "cafe\u0301", "de", "Zoe\u0308", "."]),
        ("नई दिल्ली में", ["नई", "दिल्ली", "में"]),
        ("نمی\u200cخواهم 1\ufe0f\u20e3 ❤\ufe0f!", ["نمی\u200cخواهم", "1\ufe0f\u20e3", "❤\ufe0f", "!"]),
        ("well-known at 12:30", ["well-known", "at", "12:30"]),
        ("東京タワー，北京e\u0301x-1", ["東", "京", "タワー", "，", "北", "京", "e\u0301x-1"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_text_is_split_into_words_and_signs(text, words):
    assert split_words(text) == words
    assert [text[start:end] for start, end in places_of(words, text)] == words


def test_words_that_are_not_in_the_text_have_no_places():
    assert places_of(["Bern", "Rome"], "Bern is big") == ()
    assert places_of(["a", "a"], "a") == ()


def test_a_test_file_alone_is_refused_in_words(command):
    Path("test.conll").write_text(CONLL)
    result = command("run", "--model", "majority", "--test", "test.conll")
    assert (result.code, result.errors.startswith("train: no file to train on.")) == (2, True)
