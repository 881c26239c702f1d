"""TOML files that no user wrote: deeper, longer or stranger than any, told in one line that names the file."""

import os

import pytest

from harness.config.checking import parse_settings, read_toml
from harness.config.model import find_model
from harness.errors import UserError
from harness.pretraining.recipe import find_recipe
from harness.suites.suite import read_suite

CONTENTS = {
    "deep lists": "tasks = " + "[" * 100_000,
    "deep lists, closed": "tasks = " + "[" * 100 + "]" * 100,
    "deep tables": "training" + ".a" * 5000 + " = 1",
    "long number": "seeds = [1" + "0" * 5000 + "]",
    "NUL": "tasks = 1\0",
    "NUL in a text": 'tasks = ["a\\u0000b"]',
    "NUL in a path": '[data.mine]\ntrain = "a\\u0000b.csv"',
    "NUL in a key": '"a\\u0000b" = 1',
}


READERS = {
    "any": read_toml,
    "suite": read_suite,
    "model": lambda file: find_model(str(file)),
    "recipe": lambda file: find_recipe(str(file), {}),
}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("content", CONTENTS)
def test_content_that_no_user_wrote_is_told_in_one_line(tmp_path, read, content):
    file = tmp_path / "mine.toml"
    file.write_text(CONTENTS[content])
    with pytest.raises(UserError) as caught:
        read(file)
    (line,) = caught.value.lines
    assert line.startswith(f"{file}: not TOML (")
    assert len(line) < 300


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_read(tmp_path, put):
    file = tmp_path / "mine.toml"
    put(file)
    with pytest.raises(UserError, match="not a file"):
        read_toml(file)


def test_a_deep_setting_is_a_text(tmp_path):
    deep = "[" * 100_000
    assert parse_settings([f"strategy={deep}"]) == {"strategy": deep}
