"""What killed processes left in the temporary folder and the cache goes; what is in use, or another one's, stays."""

import os
import tempfile
from contextlib import ExitStack

import pytest

from harness.cache import alone, scratch_folder, sweep_partial


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def leave(folder, *files, age=3600):
    """A folder that was last changed so many seconds ago."""
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    then = folder.stat().st_mtime - age
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    return folder


def test_a_folder_that_a_killed_process_left_goes(temporary):
    left = leave(temporary / "harness-scratch-abcd1234", "worker-0.log", "x")
    with scratch_folder() as folder:
        assert not left.exists()
        assert list(temporary.iterdir()) == [folder]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "files", "age"),
    [
        ("harness-results", ["report.html"], 3600),
        ("harness-scratch-abcd1234", [], 5),
        ("other-scratch-abcd1234", ["worker-0.log"], 3600),
    ],
)
def test_what_is_somebody_elses_or_new_stays(name, files, age, temporary):
    left = leave(temporary / name, *files, age=age)
    with scratch_folder():
        assert sorted(file.name for file in left.iterdir()) == sorted(files)


def test_a_folder_in_use_stays(temporary):
    with ExitStack() as stack:
        used = stack.enter_context(scratch_folder())
        os.utime(used, (0, 0))
        with scratch_folder() as other:
            assert used.exists()
            assert other != used


def test_what_was_left_half_made_in_the_cache_goes_and_what_is_being_made_stays(tmp_path):
    left, made = (leave(tmp_path / name, "ids.npy") for name in ("left.partial", "made.partial"))
    with alone(tmp_path / "made.lock"):
        sweep_partial(tmp_path)
        assert not left.exists()
        assert made.exists()
    sweep_partial(tmp_path)
    assert not made.exists()
