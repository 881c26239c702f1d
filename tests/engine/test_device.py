"""What the C library is told of memory."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")

# Page faults of steps that need 160 MB each, after two that warm up.
STEPS = """
import resource, torch
from harness.engine.device import keep_freed_memory
keep_freed_memory()
def step():
    blocks = [torch.ones(5_000_000) for _ in range(8)]
for _ in range(2): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3): step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
# As the C library does by itself: every block of memory goes back to the system when it is freed.
GIVEN_BACK = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


def page_faults(**environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", STEPS], env=inherited | environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_step_uses_the_memory_that_the_one_before_freed_unless_the_environment_says_otherwise():
    assert page_faults() * 4 < page_faults(**GIVEN_BACK)
