"""A sample of damaged files and of kills; `damage.py`, `kills.py` and `writers.py` take as many as are wanted."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def said(module, count):
    """What a run of trials prints, which must have found nothing bad."""
    environment = {name: value for name, value in os.environ.items() if name != "HARNESS_FEATURES"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    words = [sys.executable, "-m", f"robustness.{module}", f"--count={count}", "--seed=7"]
    ended = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("file", sorted(Path(__file__).parent.glob("[!t]*.py")), ids=lambda file: file.stem)
def test_who_imports_a_module_keeps_the_environment(file, monkeypatch):
    # pytest imports every module for its examples: what one sets would hold for all tests.
    changes = []
    monkeypatch.setattr(os, "putenv", lambda *change: changes.append(change))
    monkeypatch.setattr(os, "unsetenv", changes.append)
    runpy.run_path(str(file))
    assert not changes


@pytest.mark.slow
def test_what_is_damaged_is_made_again_or_told_and_never_used_or_in_the_way():
    last = said("damage", 36).splitlines()[-1]
    found = re.fullmatch(r"in all: 36 files, (\d+) as before, (\d+) told, 0 .*, 0 .*, 0 .*, 0 .* \(seed 7\)", last)
    assert found, last
    assert int(found[1]) > 0
    assert int(found[2]) > 0
    assert int(found[1]) + int(found[2]) == 36


@pytest.mark.slow
def test_a_model_that_writes_is_killed_in_training_and_in_writing_and_ends_to_the_bit_as_if_it_was_not():
    last = said("writers", 6).splitlines()[-1]
    assert last == "in all: 6 kills of 3 writers, 0 of them wrong (seed 7)"


@pytest.mark.slow
def test_what_is_killed_again_and_again_ends_to_the_bit_like_what_nobody_disturbed():
    last = said("kills", 30).splitlines()[-1]
    assert re.fullmatch(r"in all: \d+ kills, \d+ ends, 0 of them wrong \(seed 7\)", last), last
