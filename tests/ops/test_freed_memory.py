"""What the C library is told of memory."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")

# Page faults of steps that need 160 MB each, after two that warm up.
STEPS = """
import resource
from harness.ops.freed_memory import keep_freed_memory
keep_freed_memory()
def step():
    blocks = [bytearray(b"1") * 20_000_000 for _ in range(8)]
for _ in range(2): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3): step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
# As the C library does by itself: every block of memory goes back to the system when it is freed.
GIVEN_BACK = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


# The process's megabytes before and after what is left between blocks that live on goes back.
GAPS = """
from pathlib import Path
from harness.ops.freed_memory import give_freed_memory_back, keep_freed_memory
keep_freed_memory()
def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) // 256
blocks = [bytearray(b"1") * (20_000 if number % 2 else 20_000_000) for number in range(16)]
blocks = blocks[1::2]
print(megabytes())
give_freed_memory_back()
print(megabytes())
"""


def printed(script, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=inherited | environment, capture_output=True, text=True, check=True
    )
    return [int(number) for number in done.stdout.split()]


@pytest.mark.slow
def test_a_step_uses_the_memory_that_the_one_before_freed_unless_the_environment_says_otherwise():
    (kept,), (given_back,) = printed(STEPS), printed(STEPS, **GIVEN_BACK)

    assert kept * 4 < given_back


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the process's memory is read as Linux tells it")
def test_gaps_between_what_lives_on_go_back_to_the_system():
    before, after = printed(GAPS)

    assert before - after > 100
