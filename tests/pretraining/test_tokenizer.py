"""A tokenizer for pretraining knows every text, frames as BERT does, and is the same from the same texts."""

import json

import numpy as np
import pytest
from made_texts import documents, kept_files, prepare, start_preparing, write_documents
from subprocesses import finish
from transformers import PreTrainedTokenizerFast

from harness.pretraining.cleaning import sentences
from harness.pretraining.recipe import TokenizerRecipe
from harness.pretraining.tokenizer import sample, trained
from harness.pretraining.tokens import encoded_sentences, read_token_file, write_tokens

TEXTS = documents(100)
STRANGE = "Zażółć 日本語 🙂\n\n  x\ty  — “q” \u0301 ﬀ [MASKED] <s> don't"


def tokenizer(kind="byte_bpe", **settings):
    return trained(TEXTS, TokenizerRecipe.model_validate({"kind": kind, "vocabulary_size": 400, **settings}))


def test_bytes_make_every_text_known_and_come_back_as_they_were():
    bytes_ = tokenizer()
    for text in (STRANGE, *TEXTS[:5], "".join(map(chr, range(0x20, 0x500)))):
        ids = bytes_.encode(text, add_special_tokens=False)
        assert bytes_.decode(ids, clean_up_tokenization_spaces=False) == text
        assert bytes_.unk_token_id not in ids


def test_lower_casing_is_all_that_lowercase_does_to_bytes():
    lower = tokenizer(lowercase=True)
    assert lower.decode(lower.encode(STRANGE, add_special_tokens=False)) == STRANGE.lower()


@pytest.mark.parametrize("kind", ["byte_bpe", "wordpiece"])
def test_special_tokens_come_first_and_texts_are_framed_as_bert_frames_them(kind, tmp_path):
    tokenizer(kind, lowercase=True).save_pretrained(tmp_path)
    found = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert found.convert_ids_to_tokens(range(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert (found.pad_token_id, found.cls_token_id, found.sep_token_id, found.mask_token_id) == (0, 2, 3, 4)
    one, two = (found.encode(text, add_special_tokens=False) for text in ("so be it", "bada"))
    pair = found("so be it", "bada")
    assert pair["input_ids"] == [2, *one, 3, *two, 3]
    assert pair["token_type_ids"] == [0] * (len(one) + 2) + [1] * (len(two) + 1)
    assert len(found) == 400


def test_a_hidden_word_stands_for_its_space_too(tmp_path):
    tokenizer().save_pretrained(tmp_path)
    found = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    before, after = (found.encode(text, add_special_tokens=False) for text in ("so be", " then"))

    assert found.encode("so be [MASK] then", add_special_tokens=False) == [*before, found.mask_token_id, *after]


@pytest.mark.parametrize("kind", ["byte_bpe", "wordpiece"])
def test_sentences_one_after_the_other_are_the_document(kind):
    found = tokenizer(kind, lowercase=True)
    for text in TEXTS[:10]:
        pieces = [ids for batch in encoded_sentences(sentences(text), found) for ids in batch]
        assert [token for ids in pieces for token in ids] == found.encode(text, add_special_tokens=False)
        assert len(pieces) == 6


@pytest.mark.parametrize("kind", ["byte_bpe", "wordpiece"])
def test_special_tokens_that_a_text_spells_are_letters(kind):
    found = tokenizer(kind, lowercase=True)
    ((plain, spelt),) = encoded_sentences(["so be it ", "so [SEP] be [MASK] it[CLS] "], found)
    assert plain == found.encode("so be it ", add_special_tokens=False)
    assert not set(spelt) & {found.sep_token_id, found.mask_token_id, found.cls_token_id}
    assert len(spelt) > len(plain)


def test_a_sentence_or_document_without_tokens_is_no_entry(tmp_path):
    found = tokenizer("wordpiece", lowercase=True)  # It strips accents.
    write_tokens([TEXTS[0], "\u0301", TEXTS[1]], found, tmp_path / "tokens")
    file = read_token_file(tmp_path / "tokens")
    assert (np.diff(file.sentences) > 0).all()
    assert (file.document_count, file.characters.tolist()) == (2, [len(TEXTS[0]), len(TEXTS[1])])


@pytest.mark.slow
def test_a_sample_is_spread_over_all_texts_and_all_of_a_small_corpus():
    texts, size = documents(50, sentences=100), sum(map(len, documents(50, sentences=100)))
    assert "".join(sample(texts, size)) == "".join(texts)
    blocks = list(sample(texts, size, most=size // 10))
    assert 0.8 < sum(map(len, blocks)) / (size // 10) < 1.2
    sources = {place for block in blocks for place, text in enumerate(texts) if block in text}
    assert (len(sources) > 15, min(sources) < 5, max(sources) > 45) == (True, True, True)


@pytest.mark.slow
def test_a_checkpoint_lends_its_tokenizer_and_large_vocabularies_take_32_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    tokenizer().save_pretrained(tmp_path / "checkpoint")
    file = tmp_path / "checkpoint" / "tokenizer.json"
    content = json.loads(file.read_text())
    content["model"]["vocab"] |= {f"<{number}>": 400 + number for number in range(70_000)}
    file.write_text(json.dumps(content))
    write_documents(tmp_path / "texts.txt", TEXTS)
    found = prepare({"files": ["texts.txt"]}, {"checkpoint": str(tmp_path / "checkpoint")}, tmp_path)
    assert found.training.ids.dtype == np.uint32
    assert found.tokenizer.decode(found.training.document(0)) in TEXTS
    assert found.report["tokenizer"] == {"checkpoint": str(tmp_path / "checkpoint"), "vocabulary_size": 70_400}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["byte_bpe", "wordpiece"])
def test_the_same_texts_give_the_same_files_in_every_process(kind, tmp_path, monkeypatch):
    write_documents(tmp_path / "texts.txt", [f"{text} {STRANGE}" for text in documents(300)])
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / seed))
        settings = {"kind": kind, "vocabulary_size": 500}
        code, said = finish(start_preparing({"files": ["texts.txt"]}, settings, tmp_path))
        assert code == 0, said
    first, second = (kept_files(tmp_path / seed) for seed in ("1", "2"))
    assert any(name.endswith("tokenizer.json") for name in first)
    assert first == second
