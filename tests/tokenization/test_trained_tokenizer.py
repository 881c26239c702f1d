import json

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertConfig, RobertaConfig, XLNetConfig

from harness.models.families.scratch import ScratchConfig, register
from harness.tokenization.trained_tokenizer import SPECIAL_TOKENS, RunCutter, train_byte_pairs, train_tokenizer

# Enough inner letters and equally frequent pairs that an order left to chance would show.
TEXTS = [
    "The quick brown fox jumps over the lazy dog",
    "Sphinx of black quartz, judge my vow",
    "Pack my box with five dozen liquor jugs",
    "How vexingly quick daft zebras jump; waltz, bad nymph",
]


def test_the_same_texts_give_the_same_file_byte_for_byte(tmp_path):
    contents = []
    for name in ("a", "b", "c"):
        train_tokenizer(iter(TEXTS), vocabulary_size=150).save_pretrained(tmp_path / name)
        contents.append((tmp_path / name / "tokenizer.json").read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_special_tokens_come_first_and_frame_texts_as_bert_does():
    tokenizer = train_tokenizer(TEXTS)
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    named = (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert (*named, tokenizer.mask_token_id) == (0, 1, 2, 3, 4)
    pair = tokenizer("quick fox", "lazy dog")
    assert tokenizer.decode(pair["input_ids"]) == "[CLS] quick fox [SEP] lazy dog [SEP]"
    second = pair["input_ids"].index(3) + 1
    assert pair["token_type_ids"] == [0] * second + [1] * (len(pair["input_ids"]) - second)
    assert pair["attention_mask"] == [1] * len(pair["input_ids"])


def test_offsets_are_characters_of_the_text_as_it_was_written():
    text = "Schöne  FÜCHSE, über-quick"
    encoded = train_tokenizer([text])(text, return_offsets_mapping=True, add_special_tokens=False)
    covered = [text[start:end] for start, end in encoded["offset_mapping"]]
    assert "".join(covered) == text.replace(" ", "")
    assert encoded["offset_mapping"][0][0] == 0
    assert encoded["offset_mapping"][-1][1] == len(text)


@pytest.mark.parametrize("config_class", [ScratchConfig, BertConfig, RobertaConfig, XLNetConfig])
def test_it_comes_back_the_same_whatever_model_it_is_saved_with(config_class, tmp_path):
    register()
    tokenizer = train_tokenizer(TEXTS, vocabulary_size=150)
    config_class().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()
    assert loaded.special_tokens_map == tokenizer.special_tokens_map
    assert dict(loaded(TEXTS[0], TEXTS[1])) == dict(tokenizer(TEXTS[0], TEXTS[1]))
    assert loaded.pad({"input_ids": [[2, 3], [2]]})["input_ids"] == [[2, 3], [2, 0]]


def test_pieces_of_words_are_not_special_in_texts():
    tokenizer = train_tokenizer(["#able table"])
    assert tokenizer.tokenize("##able") == ["#", "#", *tokenizer.tokenize("able")]
    assert {token["content"] for token in json.loads(tokenizer.backend_tokenizer.to_str())["added_tokens"]} == set(
        SPECIAL_TOKENS
    )


def test_case_is_kept_where_asked():
    assert train_tokenizer(["Fox fox"]).tokenize("Fox") == ["fox"]
    assert train_tokenizer(["Fox fox"], lower=False).tokenize("Fox") == ["Fox"]


def test_a_vocabulary_is_never_larger_than_asked():
    assert len(train_tokenizer(TEXTS, vocabulary_size=60)) <= 60


@pytest.mark.parametrize("texts", [[], [""], ["   "]])
def test_no_words_leave_the_special_tokens(texts):
    tokenizer = train_tokenizer(texts)
    assert len(tokenizer) == 5
    assert tokenizer("word")["input_ids"] == [2, 1, 3]


def test_a_small_corpus_gives_fewer_pieces_and_unknown_letters_are_unknown():
    tokenizer = train_tokenizer(["abc abc", "ab"])
    # By hand: [special tokens], a b c, ##b ##c, and the merges ab, abc.
    assert set(tokenizer.get_vocab()) == {*SPECIAL_TOKENS, "a", "b", "c", "##b", "##c", "ab", "abc"}
    assert tokenizer.tokenize("abc 👍") == ["abc", "[UNK]"]


def test_rare_letters_make_room_for_pieces():
    # 40 // 4 = 10 letters at most: the ten that come twice, not the five that come once.
    tokenizer = train_tokenizer(["abcdefghij abcdefghij vwxyz"], vocabulary_size=40)
    assert tokenizer.tokenize("vwxyz") == ["[UNK]"]
    assert "[UNK]" not in tokenizer.tokenize("jihgfedcba"[::-1])


def test_long_stretches_without_a_blank_are_cut_and_counted_and_nothing_is_lost():
    runs = RunCutter()
    texts = ["short enough", "a " + "b" * 2500 + " c\n" + "d" * 1001, "e" * 1000, ""]
    pieces = list(runs.cut(texts))
    assert "".join(pieces) == "".join(texts)
    assert runs.count == 2
    assert max(len(word) for piece in pieces for word in piece.split()) == 1000
    assert list(RunCutter().cut(texts[:1])) == texts[:1]


@pytest.mark.parametrize("train", [train_tokenizer, train_byte_pairs])
def test_no_word_that_a_tokenizer_is_trained_on_is_longer_than_a_thousand_letters(train, monkeypatch):
    read = []
    once = Tokenizer.train_from_iterator

    def watched(self, texts, *arguments, **settings):
        read.extend(texts)
        return once(self, read, *arguments, **settings)

    monkeypatch.setattr("harness.tokenization.trained_tokenizer.Tokenizer.train_from_iterator", watched)
    tokenizer = train([*TEXTS, "xyz" * 2000], vocabulary_size=150)
    assert max(len(word) for text in read for word in text.split()) == 1000
    assert tokenizer("xyz", add_special_tokens=False)["input_ids"] != [tokenizer.unk_token_id]
