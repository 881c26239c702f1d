"""Texts come from named corpora, a user's files and the Hub; what is none is told by its name."""

import pytest
from made_texts import documents
from pyarrow import parquet, table

from harness.errors import UserError
from harness.pretraining.recipe import CorporaRecipe
from harness.pretraining.texts import text_sources


def source(folder, **recipe):
    (found,) = text_sources(CorporaRecipe.model_validate(recipe), folder)
    return found


def read(folder, **recipe):
    return list(source(folder, **recipe).documents())


def complaint(folder, **recipe):
    with pytest.raises(UserError) as caught:
        read(folder, **recipe)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ("file", ["one\ntwo\n\n \nthree"]),
        ("blank_line", ["one\ntwo\n", "three"]),
        ("line", ["one\n", "two\n", "\n", " \n", "three"]),
    ],
)
def test_a_document_is_a_file_a_block_or_a_line(tmp_path, cut, expected):
    (tmp_path / "a.txt").write_bytes("\ufeffone\ntwo\n\n \nthree".encode())
    assert [text for text in read(tmp_path, files=["a.txt"], documents=cut) if text] == expected


def test_patterns_match_below_the_folder_and_each_file_counts_once(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "deep/er/c.txt", "odd[1].txt"):
        (tmp_path / name).write_text(name)
    assert read(tmp_path, files=["a.txt", "*.txt"]) == ["a.txt", "b.txt", "odd[1].txt"]
    assert read(tmp_path, files=["**/c.txt"]) == ["deep/er/c.txt"]
    assert read(tmp_path, files=["odd[1].txt"]) == ["odd[1].txt"]
    assert read(tmp_path / "deep", files=[str(tmp_path / "?.txt")]) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("pattern", ["../secret.txt", "../*.txt", "link.txt", "*.txt"])
def test_a_relative_pattern_never_leaves_its_folder(tmp_path, pattern):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    told = complaint(inside, files=[pattern])
    assert f"corpora.files: {pattern!r}" in told
    assert "is not below" in told


def test_every_pattern_without_a_file_is_told(tmp_path):
    told = complaint(tmp_path, files=["a*.txt", "b.txt"])
    assert "'a*.txt': no such file below" in told
    assert "'b.txt': no such file below" in told


@pytest.mark.parametrize("pattern", ["**.txt", "~nobody-of-this-name/a.txt"])
def test_a_pattern_that_is_none_is_told(tmp_path, pattern):
    told = complaint(tmp_path, files=["missing.txt", pattern])
    assert "'missing.txt': no such file below" in told
    assert f"corpora.files: {pattern!r}: " in told


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"good\nbad\0", "line 2: holds zero bytes"), (b"good\n\nb\xffd", "line 3: not UTF-8 (byte 0xff at offset 1")],
)
def test_a_file_that_is_no_text_is_named_with_the_line(tmp_path, content, said):
    (tmp_path / "fine.txt").write_text("fine")
    (tmp_path / "wrong.txt").write_bytes(content)
    told = complaint(tmp_path, files=["*.txt"])
    assert str(tmp_path / "wrong.txt") in told
    assert said in told


def test_the_fingerprint_of_files_follows_their_content_alone(tmp_path):
    def fingerprint(name, content, **recipe):
        (tmp_path / name).write_text(content)
        return source(tmp_path, files=[name], **recipe).fingerprint

    first = fingerprint("a.txt", "text")
    assert fingerprint("b.txt", "text") == first
    assert fingerprint("a.txt", "other") != first
    assert fingerprint("a.txt", "text", documents="line") != first


@pytest.fixture
def hub(tmp_path):
    """A folder with the files of a data set."""
    folder = tmp_path / "set"
    folder.mkdir()
    parquet.write_table(table({"body": documents(5), "number": list(range(5))}), folder / "train-00000.parquet")
    return str(folder)


def test_a_data_set_is_streamed_column_by_name(tmp_path, hub):
    assert read(tmp_path, hub=hub, hub_column="body") == documents(5)


def test_an_unknown_column_is_told_with_the_known_ones(tmp_path, hub):
    told = complaint(tmp_path, hub=hub, hub_column="bodi")
    assert "no column 'bodi' (its columns: body, number). Did you mean body?" in told


def test_a_column_without_texts_and_an_unknown_split_are_told(tmp_path, hub):
    assert "row 1: 'number' is not text (got int)" in complaint(tmp_path, hub=hub, hub_column="number")
    assert "the data set is not available" in complaint(tmp_path, hub=hub, hub_column="body", hub_split="dev")


def test_without_a_network_a_branch_of_the_hub_is_told_and_a_commit_is_known(tmp_path):
    assert "nobody/nothing: the data set is not available" in complaint(tmp_path, hub="nobody/nothing")
    assert "@" + "a" * 40 in source(tmp_path, hub="nobody/nothing", hub_revision="a" * 40).fingerprint


def test_where_nobody_answers_for_the_hub_that_is_told_too(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert "nobody/nothing: the data set is not available" in complaint(tmp_path, hub="nobody/nothing")
