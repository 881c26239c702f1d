"""Files that are damaged at random, in every form: each is read, or told in lines that name it."""

import random

import pytest
from file_forms import write_every_form

from harness.data.content import PACKED
from harness.data.files import READERS, read_rows
from harness.errors import UserError

MUTATIONS = 25


def damaged(content, chance):
    """The content with a byte changed, a part cut out, doubled or made zero, its end cut off, or rubbish put in."""
    start = chance.randrange(len(content))
    stop = min(len(content), start + chance.randrange(1, 9))
    return chance.choice([
        content[:start] + bytes([chance.randrange(256)]) + content[start + 1 :],
        content[:start] + content[stop:],
        content[:stop] + content[start:],
        content[:start] + bytes(stop - start) + content[stop:],
        content[:start],
        content[:start] + b'"[{\\ud8\xff\xfe\x00' + content[start:],
    ])  # fmt: skip


def lines_against(file):
    """What is said of a file that can't be read; nothing of one that can."""
    try:
        read_rows(file)
    except UserError as error:
        return error.lines
    return ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
def test_a_damaged_file_is_read_or_told_and_never_a_traceback(tmp_path, seed):
    chance = random.Random(seed)
    sound, told = write_every_form(tmp_path), 0
    assert {file.suffix for file in sound} == {*READERS, *PACKED}
    for file in sound:
        assert read_rows(file)
        original = file.read_bytes()
        for _ in range(MUTATIONS):
            file.write_bytes(damaged(original, chance))
            lines = lines_against(file)
            told += bool(lines)
            assert all(len(line) < 1000 for line in lines)
            assert not lines or str(file) in lines[0]
    assert told > MUTATIONS * len(sound) / 4
