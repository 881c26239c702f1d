"""The published models' tokenizer and vocabularies, and pickles that want more than to be words."""

import builtins
import collections
import io
import json
import os
import pickle
import struct
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from harness.errors import UserError
from harness.models.families.transformer_xl.configuration import TransformerXLConfig
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.models.families.transformer_xl.vocabulary import mended, read_pickled_words, read_words, write_words

DATA = Path(__file__).parents[1] / "data" / "transformer_xl" / "tokenizer"
EXPECTED = json.loads((DATA / "expected.json").read_text())  # transformers 4.37.2 with sacremoses 0.2.0


def tokenizer(**settings):
    return TransformerXLTokenizer(str(DATA / "vocab.txt"), **settings)


def test_there_are_reference_cases():
    assert len(EXPECTED["cases"]) >= 8
    assert len(EXPECTED["lower_case_cases"]) >= 20


@pytest.mark.parametrize("case", EXPECTED["cases"], ids=lambda case: case["text"][:20])
def test_words_ids_and_decoded_text_are_the_published_tokenizer_s(case):
    ours = tokenizer()
    assert ours.tokenize(case["text"]) == case["tokenize"]
    assert ours(case["text"])["input_ids"] == case["ids"]
    assert ours.decode(case["ids"]) == case["decode"]


@pytest.mark.parametrize("case", EXPECTED["lower_case_cases"], ids=lambda case: case["text"][:20])
def test_lower_cased_words_are_the_published_tokenizer_s(case):
    assert tokenizer(lower_case=True).tokenize(case["text"]) == case["tokenize"]


def test_numbers_come_back_whole():
    # The example of the published tokenizer's documentation.
    ours = tokenizer()
    words = ours.tokenize("23,000 people are 1.80 m tall")
    assert words == ["23", "@,@", "000", "people", "are", "1", "@.@", "80", "m", "tall"]
    assert ours.convert_tokens_to_string(words) == "23,000 people are 1.80 m tall"


def test_text_that_is_split_already_stays_as_it_is_and_each_line_ends():
    ours = tokenizer(split="whitespace")
    assert ours.tokenize("1 @.@ 80 m\nthe <unk> end .\n") == [
        *("1", "@.@", "80", "m", "<eos>"),
        *("the", "<unk>", "end", ".", "<eos>"),
    ]
    assert ours.tokenize("") == []


def test_the_two_texts_of_a_pair_are_kept_apart():
    batch = tokenizer()("The end", "people", return_special_tokens_mask=True)
    assert batch["special_tokens_mask"] == [0, 0, 1, 0]
    assert batch["input_ids"][2] == EXPECTED["eos"]


@pytest.mark.parametrize("settings", [{}, {"split": "whitespace"}, {"lower_case": True}], ids=str)
def test_it_is_saved_and_found_again_beside_its_configuration(tmp_path, settings):
    ours = tokenizer(**settings)
    ours.save_pretrained(tmp_path)
    TransformerXLConfig().save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert type(again) is TransformerXLTokenizer
    for text in ("Hello, my dog is cute <unk> 1.80", "UPPER @-@ lower\n"):
        assert again(text).data == ours(text).data
    assert (tmp_path / "vocab.txt").read_bytes() == (DATA / "vocab.txt").read_bytes()


def test_a_configuration_and_a_vocabulary_are_enough(tmp_path):
    TransformerXLConfig().save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_bytes((DATA / "vocab.txt").read_bytes())
    assert AutoTokenizer.from_pretrained(tmp_path)("The end").input_ids == tokenizer()("The end").input_ids


def test_another_split_is_told():
    with pytest.raises(UserError, match='split: must be "moses" or "whitespace"'):
        tokenizer(split="spaces")


def test_without_sacremoses_the_message_says_how_to_install_it(monkeypatch):
    known = builtins.__import__

    def without(name, *rest):
        if name == "sacremoses":
            raise ImportError(name)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'finetune-harness\[transformer-xl\]'"):
        tokenizer().tokenize("a b")
    assert tokenizer(split="whitespace").tokenize("a b") == ["a", "b", "<eos>"]


@pytest.mark.parametrize("name", ["vocab.pkl", "vocab.bin"])
def test_a_published_vocabulary_is_read_without_unpickling_anything_else(name):
    assert read_pickled_words(DATA / name) == read_words(DATA / "vocab.txt")


def test_a_vocabulary_comes_back_as_it_was_written(tmp_path):
    words = ["<eos>", "café", "a\rb", "\u2028", "x\x85", ""]
    write_words(words, tmp_path / "vocab.txt")
    assert read_words(tmp_path / "vocab.txt") == words


def test_letters_read_as_latin_1_are_mended_where_that_makes_no_other_word():
    wrong = [word.encode().decode("latin-1") for word in ("é", "naïve", "日本")]
    assert mended([*wrong, "é", "ascii", "\xe9t\xe9"]) == [wrong[0], "naïve", "日本", "é", "ascii", "\xe9t\xe9"]


@pytest.mark.parametrize(
    ("words", "said"), [(["a", "b", "a"], "word 3, 'a'"), (["a\nb"], "word 1"), ([], "no words"), ([1], "no list")]
)
def test_a_vocabulary_that_is_none_is_told(tmp_path, words, said):
    (tmp_path / "vocab.pkl").write_bytes(pickle.dumps({"idx2sym": words}))
    with pytest.raises(UserError, match=said):
        read_pickled_words(tmp_path / "vocab.pkl")


class Calls:
    """An object whose unpickling calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def _names(*instructions):
    """A pickle of protocol 4, {"idx2sym": ["a"], "more": …}, where hand-written instructions make the last."""
    words = b"}" + _text("idx2sym") + b"]" + _text("a") + b"as"
    return b"\x80\x04" + words + _text("more") + b"".join(instructions) + b"s."


def _text(text):
    return b"\x8c" + struct.pack("<B", len(text)) + text.encode()


COUNTER = _text("collections") + _text("Counter") + b"\x93"


def test_hand_written_instructions_that_do_no_harm_are_followed(tmp_path):
    (tmp_path / "vocab.pkl").write_bytes(_names(COUNTER, b")R"))
    assert read_pickled_words(tmp_path / "vocab.pkl") == ["a"]


HOSTILE = {
    "os.system by reduce": lambda mark: pickle.dumps(Calls(os.system, f"mkdir {mark}")),
    "os.mkdir beside words": lambda mark: pickle.dumps({"idx2sym": ["a"], "counter": Calls(os.mkdir, mark)}),
    "eval": lambda mark: pickle.dumps(Calls(eval, f"__import__('os').mkdir({mark!r})")),
    "in python 2's names": lambda mark: b"cposix\nmkdir\n(S'" + mark.encode() + b"'\ntR.",
    "getattr of an allowed class": lambda mark: pickle.dumps(
        Calls(getattr, Calls(getattr, collections.Counter, "__init__"), "__globals__")
    ),
    "a dotted name below an allowed class": lambda mark: _names(
        _text("collections"), _text("Counter.__init__.__globals__"), b"\x93"
    ),
    "a name of an allowed module": lambda mark: _names(_text("collections"), _text("_sys.modules"), b"\x93"),
    "an attribute set on an allowed class": lambda mark: _names(
        COUNTER, b"N", b"}", _text("update"), _text("gone"), b"s", b"\x86", b"b"
    ),
    "an instance without its constructor": lambda mark: _names(COUNTER, b")", b"\x81"),
    "a persistent object": lambda mark: _names(_text("mark"), b"Q"),
    "an extension": lambda mark: _names(b"\x82\x01"),
    "a memo of four billion objects": lambda mark: b"\x80\x02]r" + struct.pack("<I", 2**32 - 1) + b".",
    "a memo of many objects in digits": lambda mark: b"]p9999999999\n.",
    "a frame longer than the file": lambda mark: b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"].",
    "a text longer than the file": lambda mark: b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"a.",
    "code after torch's headers": lambda mark: (
        pickle.dumps(0x1950A86A20F9469CFC6C, 2)
        + pickle.dumps(1001, 2)
        + pickle.dumps({}, 2)
        + pickle.dumps(Calls(os.mkdir, mark), 2)
    ),
    "code in torch's headers": lambda mark: (
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(Calls(os.mkdir, mark), 2)
    ),
    "a zip archive": lambda mark: b"PK\x03\x04" + bytes(30),
    "tuples of tuples": lambda mark: _names(b")", b"\x85" * 1000),
    "tuples that double": lambda mark: _names(b")", b"\x94h\x00\x86" * 60),
    "nothing": lambda mark: b"",
    "a cut pickle": lambda mark: (DATA / "vocab.pkl").read_bytes()[:-40],
    "a call with a wrong argument": lambda mark: pickle.dumps(Calls(collections.Counter, 3)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_vocabulary_is_refused_and_nothing_is_run(tmp_path, name):
    mark, file = tmp_path / "was-run", tmp_path / "vocab.pkl"
    file.write_bytes(HOSTILE[name](str(mark)))
    update = collections.Counter.update
    with pytest.raises(UserError, match=r"not a vocabulary of words alone"):
        read_pickled_words(file)
    assert not mark.exists()
    assert collections.Counter.update is update


@pytest.mark.parametrize("name", ["os.system by reduce", "os.mkdir beside words", "eval", "in python 2's names"])
def test_the_hostile_vocabularies_would_run_code(tmp_path, name):
    mark = tmp_path / "was-run"
    pickle.load(io.BytesIO(HOSTILE[name](str(mark))))
    assert mark.exists(), "the pickle is not hostile, so the test above would prove nothing"
