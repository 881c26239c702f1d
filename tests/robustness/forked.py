"""`harness` commands in forks of a process that has imported everything: each is quick, and may be killed."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from subprocesses import IMPORTED

from harness.cli import main

# A fork has one thread, and builds nothing. torch reads some of it as it is imported.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HARNESS_NATIVE": "0",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
    "COLUMNS": "400",
}
LONGEST = 900.0  # seconds; a command takes one


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code; minus the signal that ended it; None: it hung, and was killed.
        output: What it wrote to the standard output.
        errors: What it wrote to the standard error.
    """

    code: int | None
    output: str
    errors: str

    @property
    def said(self) -> str:
        """All that it wrote."""
        return self.output + self.errors


def begin_in_environment() -> None:
    """Begin this program anew with `ENVIRONMENT`, unless it has it, and import what commands need.

    Whoever only imports a module keeps his own environment.
    """
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **ENVIRONMENT})
    for name in IMPORTED:
        import_module(name)


def command(
    words: Sequence[str],
    folder: Path,
    *,
    prepare: Callable[[], None] | None = None,
    kill_after: float | None = None,
) -> Ended:
    """Do `harness WORDS` in a folder.

    Args:
        words: Its arguments.
        folder: Where it works; its caches and what it says lie beside.
        prepare: Called in the fork first.
        kill_after: Seconds after which it is killed, if it has not ended.
    """
    beside = folder.with_name(f"{folder.name}.said")
    beside.mkdir(exist_ok=True)
    for name in ("out", "err"):  # Here, for the fork may be killed before it is at work.
        (beside / name).touch()
    child = os.fork()
    if child == 0:
        _work(words, folder, beside, prepare)
    code = _waited(child, LONGEST if kill_after is None else kill_after)
    if code is None and kill_after is not None:
        code = -signal.SIGKILL
    return Ended(code, *((beside / name).read_text(errors="replace") for name in ("out", "err")))


def _work(words: Sequence[str], folder: Path, beside: Path, prepare: Callable[[], None] | None) -> None:
    """The fork: it never returns."""
    gc.freeze()  # Memory that no collection touches is not copied.
    code = 70
    try:
        os.chdir(folder)
        for number, name in ((1, "out"), (2, "err")):
            opened = os.open(beside / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, number)
        os.environ["HARNESS_CACHE"] = str(folder / "cache")
        sys.argv = ["harness", *words]
        if prepare is not None:
            prepare()
        main()
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _waited(child: int, seconds: float) -> int | None:
    """The child's exit code; None where it was killed after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        left = until - time.monotonic()
        if left <= 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(min(left, 0.005))
