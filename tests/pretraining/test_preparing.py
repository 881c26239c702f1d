"""Texts become a tokenizer and token files: nothing is lost, repeated, or seen that is held out."""

import json

import numpy as np
import pytest
from made_texts import documents, kept_files, prepare, write_documents

from harness.errors import UserError
from harness.pretraining.cached import code_digest
from harness.pretraining.cleaning import sentences


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path):
    """Files of the user's, written by name."""

    def write(texts, name="texts.txt"):
        write_documents(tmp_path / name, texts)
        return tmp_path

    return write


def decoded(found, file):
    return [found.tokenizer.decode(file.document(number)) for number in range(file.document_count)]


@pytest.mark.slow
def test_all_documents_are_there_once_in_their_order_on_one_side(own):
    texts = documents(60)
    found = prepare({"files": ["*.txt"]}, {}, own(texts))
    training, held_out = decoded(found, found.training), decoded(found, found.held_out["files"])
    assert sorted(training + held_out) == sorted(texts)
    assert [text for text in texts if text in training] == training
    assert len(held_out) >= 1


def test_tokens_know_their_sentences_documents_bytes_and_characters(own):
    texts = [f"{text} Ünï." for text in documents(30)]
    found = prepare({"files": ["*.txt"]}, {}, own(texts))
    file, kept = found.training, decoded(found, found.training)
    assert [len(sentences(text)) for text in kept] == np.diff(file.documents).tolist()
    assert [len(text) for text in kept] == file.characters.tolist()
    assert [len(text.encode()) for text in kept] == file.bytes.tolist()
    first = file.ids[file.sentences[0] : file.sentences[1]]
    assert found.tokenizer.decode(first) == sentences(kept[0])[0]
    assert (file.ids.dtype, isinstance(file.ids, np.memmap)) == (np.uint16, True)
    assert file.token_count == file.sentences[-1] == sum(len(file.document(place)) for place in range(len(kept)))


@pytest.mark.slow
def test_a_document_is_held_out_by_itself_whatever_stands_before_or_beside_it(own, tmp_path):
    texts = documents(200)
    found = prepare({"files": ["*.txt"]}, {}, own(texts))
    held_out = set(decoded(found, found.held_out["files"]))
    again = prepare({"files": ["*.txt"]}, {}, own(texts[::-1]))
    assert set(decoded(again, again.held_out["files"])) == held_out
    fewer = prepare({"files": ["*.txt"]}, {}, own(texts[:150]))
    assert set(decoded(fewer, fewer.held_out["files"])) == held_out & set(texts[:150])
    assert 5 < len(held_out) < 40


@pytest.mark.slow
def test_another_seed_holds_others_out(own):
    folder = own(documents(200))
    first, second = (prepare({"files": ["*.txt"]}, {}, folder, seed=seed) for seed in (0, 1))
    assert decoded(first, first.held_out["files"]) != decoded(second, second.held_out["files"])


def test_of_ten_documents_one_is_held_out_however_small_the_share(own):
    found = prepare({"files": ["*.txt"], "held_out": 1e-9}, {}, own(documents(10, sentences=30)))
    assert (found.training.document_count, found.held_out["files"].document_count) == (9, 1)


def test_the_same_and_nearly_the_same_documents_are_there_once_and_counted(own):
    texts = documents(40, sentences=20)
    found = prepare({"files": ["*.txt"]}, {}, own([*texts, texts[3], texts[4].upper(), texts[5] + " One more.", "!?"]))
    told = found.report["corpora"]["files"]
    assert (told["read"], told["repeated"], told["empty"], told["kept"]) == (44, 3, 1, 40)
    assert found.training.document_count + found.held_out["files"].document_count == 40


def test_the_report_is_json_and_its_counts_add_up(own):
    found = prepare({"files": ["*.txt"]}, {"lowercase": True}, own(documents(50)))
    report = json.loads(json.dumps(found.report))
    assert report["training"]["documents"] + report["held_out"]["files"]["documents"] == 50
    assert report["training"]["tokens"] == found.training.token_count
    assert report["tokenizer"]["vocabulary_size"] == len(found.tokenizer) == 300
    told = report["corpora"]["files"]
    parts = ("repeated_characters", "left_out_characters", "cut_characters", "kept_characters")
    assert told["read_characters"] == sum(told[part] for part in parts)


@pytest.mark.slow
def test_what_held_out_texts_share_with_training_texts_is_told(own):
    texts = documents(40, sentences=60)
    quoting = [f"{text} {other[:400]}" for text, other in zip(texts, texts[1:] + texts[:1], strict=True)]
    alone = prepare({"files": ["*.txt"]}, {}, own(texts)).report["held_out_runs_in_training"]["files"]
    quoted = prepare({"files": ["*.txt"]}, {}, own(quoting)).report["held_out_runs_in_training"]["files"]
    assert alone == 0
    assert 0.05 < quoted < 0.6


def test_a_second_call_reads_what_the_first_one_kept(own, cache, monkeypatch):
    folder = own(documents(30))
    first = prepare({"files": ["*.txt"]}, {}, folder)
    monkeypatch.setattr("harness.pretraining.pipeline.write_tokens", None)
    again = prepare({"files": ["*.txt"]}, {}, folder)
    assert (again.training.ids == first.training.ids).all()
    assert again.report == first.report
    assert again.tokenizer("so be it")["input_ids"] == first.tokenizer("so be it")["input_ids"]


@pytest.mark.slow
def test_another_tokenizer_reads_the_texts_that_were_kept(own, monkeypatch):
    folder = own(documents(60))
    prepare({"files": ["*.txt"]}, {}, folder)
    monkeypatch.setattr("harness.pretraining.pipeline.write_texts", None)
    assert len(prepare({"files": ["*.txt"]}, {"vocabulary_size": 320}, folder).tokenizer) == 320


@pytest.mark.parametrize("changed", [{"held_out": 0.2}, {"documents": "file"}])
def test_what_changes_the_texts_makes_them_anew(own, monkeypatch, changed):
    folder = own(documents(30))
    prepare({"files": ["*.txt"]}, {}, folder)
    monkeypatch.setattr("harness.pretraining.pipeline.write_texts", None)
    with pytest.raises(TypeError):
        prepare({"files": ["*.txt"], **changed}, {}, folder)


def test_changed_code_makes_texts_anew(own, monkeypatch):
    folder = own(documents(30))
    prepare({"files": ["*.txt"]}, {}, folder)
    monkeypatch.setattr("harness.pretraining.pipeline.write_texts", None)
    monkeypatch.setattr("harness.pretraining.pipeline.code_digest", lambda _root, patterns: str(patterns))
    with pytest.raises(TypeError):
        prepare({"files": ["*.txt"]}, {}, folder)


def test_the_digest_of_code_follows_names_and_contents_of_what_matches(tmp_path):
    def digest():
        return code_digest(tmp_path, ("*.py", "deep/**/*.py"))

    (tmp_path / "deep" / "er").mkdir(parents=True)
    found = {digest()}
    for name, content in [("a.py", "1"), ("a.py", "2"), ("b.py", "2"), ("deep/er/c.py", "2")]:
        (tmp_path / name).write_text(content)
        found.add(digest())
    assert len(found) == 5
    (tmp_path / "a.txt").write_text("no code")
    assert digest() in found


def test_a_changed_file_makes_texts_anew_under_its_old_name(own):
    first = prepare({"files": ["*.txt"]}, {}, own(documents(30)))
    again = prepare({"files": ["*.txt"]}, {}, own(documents(30, seed=1)))
    assert decoded(again, again.training) != decoded(first, first.training)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", ["ids.bin", "documents.bin", "types.json", "texts.utf8"])
def test_a_damaged_file_is_made_anew(own, cache, name):
    folder = own(documents(30))
    prepare({"files": ["*.txt"]}, {}, folder)
    whole = kept_files(cache)
    damaged = [file for file in cache.rglob(name) if "held_out" not in str(file)]
    assert damaged
    for file in damaged:
        file.write_bytes(file.read_bytes()[:-2])
    size = 300 if name != "texts.utf8" else 301  # Texts are read where tokens are to be made.
    prepare({"files": ["*.txt"]}, {"vocabulary_size": size}, folder)
    now = kept_files(cache)
    assert {path: now[path] for path in whole} == whole


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", ["ids.bin", "texts.utf8", "tokenizer.json", "report.json", "checksums.json"])
def test_a_file_with_one_wrong_bit_is_made_anew(own, cache, name):
    folder = own(documents(30))
    prepare({"files": ["*.txt"]}, {}, folder)
    whole = kept_files(cache)
    damaged = list(cache.rglob(name))
    assert damaged
    for file in damaged:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    prepare({"files": ["*.txt"]}, {"vocabulary_size": 301}, folder)  # Texts are read where tokens are to be made.
    prepare({"files": ["*.txt"]}, {}, folder)
    now = kept_files(cache)
    assert {path: now[path] for path in whole} == whole


@pytest.mark.slow
def test_harness_cache_shows_and_clears_what_is_kept(own, cache, command):
    prepare({"files": ["*.txt"]}, {}, own(documents(30)))
    assert "texts to pretrain on" in command("cache").output
    assert command("cache", "--clear").code == 0
    assert kept_files(cache) == {}


def complaint(recipe, folder, tokenizer=None):
    with pytest.raises(UserError) as caught:
        prepare({"files": ["*.txt"], **recipe}, tokenizer or {}, folder)
    return str(caught.value)


def test_empty_files_are_no_corpus(own):
    assert "files: no text in it (got 2 empty documents)" in complaint({}, own(["", "?!"]))


def test_a_corpus_of_which_nothing_is_held_out_is_refused(own):
    told = complaint({"documents": "file"}, own(documents(30)))
    assert "no document is held out (of 1)" in told
    assert 'documents = "blank_line"' in told


def test_a_share_that_leaves_nothing_to_train_on_is_refused(own):
    assert "no document is left to train on" in complaint({"held_out": 0.999999}, own(documents(20)))


def test_a_vocabulary_that_the_texts_do_not_fill_is_refused_with_what_they_give(own):
    told = complaint({}, own(documents(12, sentences=1)), {"vocabulary_size": 30000})
    assert "tokenizer.vocabulary_size: the training texts give" in told
    assert "(got 30000)" in told


def test_a_cache_that_is_no_folder_is_told(own, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    assert "HARNESS_CACHE" in complaint({}, own(documents(20)))


def test_a_full_disk_is_told_and_leaves_nothing_half_made(own, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.pretraining.pipeline.write_tokens", full)
    assert "No space left on device" in complaint({}, own(documents(20)))
    assert not list(cache.rglob("*.partial"))
    assert not list(cache.rglob("ids.bin"))
