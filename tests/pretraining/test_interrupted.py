"""Texts larger than memory, killed, or prepared by two processes at once come out the same."""

from random import Random
from signal import SIGKILL

import pytest
from made_texts import PROGRAM, documents, kept_files, prepare, start_preparing, word, write_documents
from subprocesses import finish

pytestmark = pytest.mark.slow
RECIPE = {"files": ["texts.txt"]}
ALLOWED = 12 * 2**20  # bytes of memory that is written to; mapped files count for nothing
# Imports, tables and caches are there after a small corpus; what comes on top is what a large one takes.
# Ends in the middle of a function's calls.
KILLED = """
import os, signal
from harness.pretraining import {module}
calls, plain = [], {module}.{function}
def killed(*given):
    calls.append(None)
    if len(calls) == 1_000:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*given)
{module}.{function} = killed
"""
LIMITED = """
import json, resource, sys
from pathlib import Path
from made_texts import prepare
corpora, tokenizer, folder = json.loads(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
prepare({"files": ["small.txt"]}, tokenizer, folder)
(taken,) = (line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmData"))
allowed = corpora.pop("allowed")
limit = int(taken) * 1024 + allowed
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
found = prepare(corpora, tokenizer, folder)
print("characters", found.report["training"]["characters"])
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("module", "function", "reached"),
    [
        ("corpus_build", "_write_document", "texts-*.partial/0/texts.utf8"),
        ("tokens", "encoded_sentences", "tokens-*.partial/training/ids.bin"),
    ],
)
def test_a_killed_build_is_never_read_and_the_next_one_gives_the_same_bytes(
    tmp_path, cache, monkeypatch, module, function, reached
):
    write_documents(tmp_path / "texts.txt", documents(2_000))
    entries = cache / "finetune-harness" / "corpora"
    program = KILLED.format(module=module, function=function) + PROGRAM
    code, said = finish(start_preparing(RECIPE, {}, tmp_path, program))
    assert code == -SIGKILL, said
    assert [file for file in entries.glob(reached) if file.stat().st_size]
    again = prepare(RECIPE, {}, tmp_path)
    assert not list(entries.glob("*.partial"))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "other"))
    whole = prepare(RECIPE, {}, tmp_path)
    assert kept_files(cache) == kept_files(tmp_path / "other")
    assert again.report == whole.report


def test_of_two_processes_at_once_one_builds_and_the_other_waits(tmp_path, cache):
    write_documents(tmp_path / "texts.txt", documents(5_000))
    both = [start_preparing(RECIPE, {}, tmp_path) for _ in range(2)]
    ends = [finish(process) for process in both]
    assert [code for code, _ in ends] == [0, 0], ends
    said = "".join(output for _, output in ends)
    assert (said.count("done"), said.count("encoding ...")) == (2, 1)


def test_a_corpus_of_four_times_the_memory_is_prepared(tmp_path, cache):
    prepare_checkpoint(tmp_path)
    random = Random(0)
    words = ["".join(word(random) for _ in range(8)) for _ in range(500)]
    with (tmp_path / "texts.txt").open("w") as file:
        while file.tell() < 4 * ALLOWED:
            file.write(" ".join(random.choices(words, k=100)) + ".\n")
    settings = {"checkpoint": str(tmp_path / "checkpoint")}
    process = start_preparing(RECIPE | {"allowed": ALLOWED}, settings, tmp_path, LIMITED)
    code, said = finish(process)
    assert code == 0, said
    assert int(said.split()[-1]) > 3.5 * ALLOWED


def prepare_checkpoint(folder):
    write_documents(folder / "small.txt", documents(3_000))
    prepare({"files": ["small.txt"]}, {}, folder).tokenizer.save_pretrained(folder / "checkpoint")
