"""How the kernels are built: once, whole, and with a line that says why when they can't be."""

import logging
import multiprocessing
import os
import subprocess
import sys

import pytest

from harness.ops.native import _library

COMPILER = """import pathlib, sys, time
arguments = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write("called\\n")
time.sleep({seconds})
pathlib.Path(arguments[arguments.index("-o") + 1]).write_text("a library")
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """The calls of a compiler that writes what is not a library, slowly."""
    compiler, script, log = tmp_path / "compiler", tmp_path / "compiler.py", tmp_path / "calls"
    script.write_text(COMPILER.format(log=str(log), seconds=0.1))
    # A first line may name no interpreter whose path has a space.
    compiler.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    return lambda: log.read_text().splitlines()


@pytest.fixture
def reason(tmp_path, monkeypatch):
    """Asks why the kernels are unavailable, as a new process would."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("HARNESS_NATIVE", raising=False)
    return _library.unavailable.__wrapped__


def test_a_built_library_is_kept(folder, calls):
    library = _library._built(folder)
    assert library.read_text() == "a library"
    assert _library._built(folder) == library
    assert len(calls()) == 1
    assert {path.suffix for path in folder.iterdir()} == {".so", ".sha256", ""}  # And the lock: nothing half-written.


@pytest.mark.slow
def test_processes_that_start_together_build_once(folder, calls):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_library._built, args=(folder,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(calls()) == 1


@pytest.mark.slow_but_first
@pytest.mark.parametrize("damage", [lambda path: path.write_text("cut"), lambda path: path.unlink()])
def test_a_damaged_library_is_built_again(folder, calls, damage):
    damage(_library._built(folder))
    assert _library._built(folder).read_text() == "a library"
    assert len(calls()) == 2


@pytest.mark.slow
def test_a_library_without_its_digest_is_built_again(folder, calls):
    _library._digest_of(_library._built(folder)).unlink()
    _library._built(folder)
    assert len(calls()) == 2


@pytest.mark.slow
def test_another_compiler_or_processor_gets_a_library_of_its_own(folder, calls, monkeypatch):
    first = _library._built(folder)
    monkeypatch.setattr(_library, "_processor", lambda: "another")
    assert _library._built(folder) != first
    monkeypatch.setenv("CXX", f"{os.environ['CXX']} -O2")
    assert len({first, _library._built(folder)}) == 2
    assert len(calls()) == 3


def test_what_is_not_a_library_is_told_and_not_raised(reason, calls, caplog):
    assert "plain torch is used" in reason()
    assert calls()


def test_without_a_compiler_one_line_says_so(reason, monkeypatch, caplog):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with caplog.at_level(logging.WARNING):
        line = reason()
    assert line == (
        "native kernels: not available, plain torch is used (no C++ compiler; install g++ or name one in CXX)"
    )
    assert caplog.messages == [line]


def test_a_compiler_that_fails_is_named_with_its_first_error(reason, tmp_path, monkeypatch):
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho 'note' >&2\necho 'x.cpp:1: error: no such thing' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    assert reason().endswith(f"({compiler} failed: x.cpp:1: error: no such thing; HARNESS_NATIVE=0 skips this)")


def test_a_cache_that_cannot_be_written_is_told(reason, calls, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "plain torch is used" in reason()


def test_the_user_switches_the_kernels_off_without_a_warning(reason, monkeypatch, caplog):
    monkeypatch.setenv("HARNESS_NATIVE", "0")
    assert reason() == "native kernels: switched off by HARNESS_NATIVE=0"
    assert not caplog.messages


SAID_TWICE = """
from harness.ops import native; import torch
native.dropout(torch.ones(9), 0.5); native.dropout(torch.ones(9), 0.5)
"""


@pytest.mark.slow
def test_the_line_is_said_once_a_process(tmp_path):
    environment = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", SAID_TWICE], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stderr.count("native kernels: not available") == 1


@pytest.mark.slow
def test_the_real_compiler_builds_what_a_new_process_loads(tmp_path):
    if _library.unavailable():
        pytest.skip(_library.unavailable())
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    program = "from harness.ops import native; assert native.unavailable() is None"
    for lines in (1, 0):
        result = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert result.stderr.count("compiling") == lines
