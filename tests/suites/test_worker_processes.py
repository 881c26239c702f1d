"""Forked workers end one by one, whatever happens while they are being forked."""

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from signal import SIGKILL

import psutil
import pytest
import working
from waiting import LONGEST

from harness.suites.worker import Ready
from harness.suites.worker_processes import forked
from harness.suites.worker_slots import WorkerSlot

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="workers are only forked on Linux")]

# Modules for the forking process to import, which changes how it forks.
SLOW = """
import os, time
fork = os.fork
def fork_slowly():
    pid = fork()
    if pid:
        time.sleep(0.1)
    return pid
os.fork = fork_slowly
"""
ONE_ONLY = """
import os
fork = os.fork
def refuse():
    raise BlockingIOError(11, "Resource temporarily unavailable")
def fork_once():
    os.fork = refuse
    return fork()
os.fork = fork_once
"""
KILLS_ITS_PARENT = """
import os, time
from pathlib import Path
parent = os.getppid()
Path("forking").write_text(str(os.getpid()))
os.kill(parent, 9)
while os.getppid() == parent:
    time.sleep(0.01)
"""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Start workers after an import of a module with the text; our ends of their pipes, and their processes."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    processes = []

    def start(text, *, workers):
        (tmp_path / "imported_first.py").write_text(text)
        pipes = [Pipe() for _ in range(workers)]
        arguments = [(theirs, WorkerSlot(1), tmp_path / f"{i}.log") for i, (_, theirs) in enumerate(pipes)]
        processes.extend(forked(working.act, arguments, imported=["imported_first"]))
        for _, theirs in pipes:
            theirs.close()
        return [ours for ours, _ in pipes], processes

    yield start
    for process in processes:
        process.kill()
        process.join()


def test_a_worker_killed_while_others_are_forked_ends_alone(started):
    pipes, processes = started(SLOW, workers=4)
    assert pipes[0].recv() == Ready()
    processes[0].kill()
    processes[0].join()
    assert [pipe.recv() for pipe in pipes[1:]] == [Ready()] * 3
    assert [process.exitcode for process in processes] == [-SIGKILL, None, None, None]


def test_a_worker_that_the_system_refuses_to_fork_has_ended_and_the_others_work(started, tmp_path):
    pipes, processes = started(ONE_ONLY, workers=2)
    processes[1].join(LONGEST)
    assert pipes[0].recv() == Ready()
    assert [process.exitcode for process in processes] == [None, 1]
    assert "Resource temporarily unavailable" in (tmp_path / "0.log").read_text()


def test_what_would_fork_workers_imports_no_more_once_its_parent_is_killed(tmp_path):
    (tmp_path / "kills_its_parent.py").write_text(KILLS_ITS_PARENT)
    (tmp_path / "comes_later.py").write_text("from pathlib import Path\nPath('later').touch()\n")
    command = (
        "from multiprocessing import Pipe; from pathlib import Path; import working; from time import sleep\n"
        "from harness.suites.worker_processes import forked; from harness.suites.worker_slots import WorkerSlot\n"
        "arguments = [(Pipe()[1], WorkerSlot(1), Path('log'))]\n"
        "forked(working.act, arguments, imported=['kills_its_parent', 'comes_later']); sleep(600)\n"
    )
    path = os.pathsep.join(map(str, [tmp_path, Path(working.__file__).parent, *filter(None, sys.path)]))
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, check=False
    )
    assert done.returncode == -SIGKILL
    forking = int((tmp_path / "forking").read_text())
    with suppress(psutil.NoSuchProcess):
        psutil.Process(forking).wait(LONGEST)
    assert not (tmp_path / "later").exists()
