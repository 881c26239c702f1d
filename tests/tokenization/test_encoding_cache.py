"""Texts that were encoded are kept: the same numbers, made once, whole or not there."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_models import FILLERS, small_tokenizer
from waiting import LONGEST

from harness.cache import cache_folder
from harness.models.families.transformer_xl.tokenizer import TransformerXLTokenizer
from harness.tokenization import encoding
from harness.tokenization.encoding import encode

XL = Path(__file__).parents[1] / "data" / "transformer_xl" / "tokenizer"
TEXTS = ["the film was seen by many people", "", "a rainy day in town Zürich 日本 😀", *FILLERS]
TOKENIZERS = {
    "fast": lambda: small_tokenizer("bert"),
    "bytes": lambda: small_tokenizer("roberta"),
    "slow": lambda: TransformerXLTokenizer(str(XL / "vocab.txt")),
}


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """The folder of kept texts, empty, of which every text is worth keeping."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setenv("HARNESS_FEATURES", "1")
    monkeypatch.setattr(encoding, "LEAST_CHARACTERS", 1)
    return cache_folder("texts")


@pytest.fixture
def made(monkeypatch):
    """How often texts were encoded."""
    calls = []
    original = encoding._encoded

    def counted(*arguments, **options):
        calls.append(arguments)
        return original(*arguments, **options)

    monkeypatch.setattr(encoding, "_encoded", counted)
    return calls


def entries(folder):
    return sorted(path for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("return_offsets", [False, True])
@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_what_is_kept_is_what_the_tokenizer_gives(name, return_offsets, kept, made):
    tokenizer = TOKENIZERS[name]()
    first, again = (encode(tokenizer, TEXTS, return_offsets=return_offsets) for _ in range(2))
    assert first == again == encoding._encoded(tokenizer, TEXTS, return_offsets=return_offsets)
    assert len(made) == 2  # the first, and the line above
    assert {type(number) for text in again for number in text.ids} == {int}
    assert [len(text.offsets) for text in again] == [len(text.ids) if return_offsets else 0 for text in again]
    assert len(entries(kept)) == 1


def test_another_text_tokenizer_or_wish_for_offsets_is_another_entry(kept, made):
    bert, roberta = small_tokenizer("bert"), small_tokenizer("roberta")
    for tokenizer, texts, return_offsets in [
        (bert, ["ab", "c"], False),
        (bert, ["a", "bc"], False),
        (bert, ["ab", "c"], True),
        (roberta, ["ab", "c"], False),
    ]:
        encode(tokenizer, texts, return_offsets=return_offsets)
    assert len(made) == len(entries(kept)) == 4
    bert.padding_side = "left"  # changes no text's tokens
    bert(["a", "b"], padding=True, truncation=True, max_length=8)  # nor does what another call asked for
    encode(bert, ["ab", "c"], return_offsets=False)
    assert len(made) == 4


def test_few_texts_are_not_kept(kept, monkeypatch):
    monkeypatch.setattr(encoding, "LEAST_CHARACTERS", 100)
    encode(small_tokenizer("bert"), ["the film"], return_offsets=False)
    assert not kept.exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "missing", "other lengths", "one bit", "no checksums"])
def test_a_damaged_entry_is_made_anew(damage, kept, made):
    tokenizer = small_tokenizer("bert")
    expected = encode(tokenizer, TEXTS, return_offsets=True)
    file = entries(kept)[0] / "ids.npy"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "missing":
        file.unlink()
    elif damage == "one bit":
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    elif damage == "no checksums":
        (file.parent / "checksums.json").unlink()
    else:
        np.save(file, np.zeros(3, dtype=np.uint16))
    assert encode(tokenizer, TEXTS, return_offsets=True) == expected
    assert encode(tokenizer, TEXTS, return_offsets=True) == expected
    assert len(made) == 2


def test_a_pickle_in_the_place_of_an_entry_is_not_opened(kept, made):
    tokenizer = small_tokenizer("bert")
    expected = encode(tokenizer, TEXTS, return_offsets=False)
    np.save(entries(kept)[0] / "ids.npy", np.array([object()], dtype=object), allow_pickle=True)
    assert encode(tokenizer, TEXTS, return_offsets=False) == expected
    assert len(made) == 2


def test_a_folder_that_can_t_be_written_costs_a_note_and_nothing_else(tmp_path, monkeypatch, kept, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        found = encode(small_tokenizer("bert"), ["the film"], return_offsets=False)
    assert found == encoding._encoded(small_tokenizer("bert"), ["the film"], return_offsets=False)
    assert "encoded texts are not kept" in caplog.text
    assert "HARNESS_CACHE" in caplog.text


def test_a_disk_that_fills_up_leaves_no_entry_and_no_error(kept, monkeypatch):
    def full(file, _array):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(encoding.np, "save", full)
    tokenizer = small_tokenizer("bert")
    assert encode(tokenizer, TEXTS, return_offsets=False) == encoding._encoded(tokenizer, TEXTS, return_offsets=False)
    monkeypatch.undo()
    assert not [entry for entry in entries(kept) if not entry.name.endswith(".partial")]


SCRIPT = """
import sys, time
from pathlib import Path
from small_models import small_tokenizer
from harness.tokenization import encoding
encoding.LEAST_CHARACTERS = 1
original = encoding._encoded
def slow(*arguments, **options):
    with open(sys.argv[1], "a") as log:
        log.write("made\\n")
    time.sleep(float(sys.argv[2]))
    return original(*arguments, **options)
encoding._encoded = slow
print(encoding.encode(small_tokenizer("bert"), ["the film"], return_offsets=False)[0].ids)
"""


def started(log, seconds):
    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    words = [sys.executable, "-c", SCRIPT, str(log), str(seconds)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_processes_encode_once_and_one_that_is_killed_leaves_nothing_half(kept, tmp_path):
    log = tmp_path / "log"
    killed = started(log, 600)
    while not log.exists():
        assert killed.poll() is None
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not entries(kept)
    both = [started(log, 1), started(log, 1)]
    outputs = [process.communicate(timeout=LONGEST)[0] for process in both]
    assert outputs[0] == outputs[1] != ""
    assert log.read_text().count("made") == 2  # by the killed one, and by one of the two
    assert len(entries(kept)) == 1
