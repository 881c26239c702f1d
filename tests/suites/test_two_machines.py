"""Two machines that share a disk and work on one suite, of which one is killed at work.

Each machine is a process with a host name of its own, to which the disk's locks and the other one's processes are
unknown, and which has the same number as the other one's, as in containers.
"""

import os
import signal
import sys
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import pytest
from command_line import reviews, write_csv
from waiting import LONGEST

import harness.runs.execution
import harness.suites.runner  # noqa: F401
from harness.atomic_writes import write_atomically
from harness.cli import main
from harness.runs import claim
from harness.runs.claim import CLAIM, GIVEN_UP_SECONDS
from harness.runs.run import Run

TASKS = [f"reviews{number}" for number in range(6)]
SUITE = f"tasks = {TASKS}\nmodels = ['majority']\nseeds = [0]\n" + "".join(
    f"[data.{task}]\ntrain = 'reviews.csv'\n" for task in TASKS
)
LEFT = 3  # Exit code: runs were left to another command.
CONTEXT = get_context("fork")


def no_lock(*_):
    raise OSError(9, "Bad file descriptor")


def noted(name, change):
    """The method of runs, which notes on the shared disk that it was called."""

    def called(run, *arguments, **settings):
        with Path(name).open("a") as notes:
            notes.write(f"{run}\n")
        return change(run, *arguments, **settings)

    return called


def work(host, start, killed):
    """`harness run` on a machine; one that is to be killed says when it has begun its second run, and waits for it."""
    begin, begun = Run.begin, []

    def begin_or_wait(run, **settings):
        begin(run, **settings)
        begun.append(run)
        if killed is not None and len(begun) == 2:
            killed.set()
            signal.pause()

    os.getpid = lambda: 1
    claim.fcntl.flock, claim.socket.gethostname = no_lock, lambda: host
    Run.begin, Run.finish = noted("begun", begin_or_wait), noted("finished", Run.finish)
    sys.stdout = sys.stderr = Path(f"{host}.said").open("w")  # noqa: SIM115 -- until the process ends
    sys.argv = ["harness", "run", "suite.toml", "--workers=1"]
    start.wait()
    main()


def begun(*hosts, killed=None):
    """The same command at once on machines of these names."""
    start = CONTEXT.Event()
    machines = [CONTEXT.Process(target=work, args=(host, start, killed), daemon=True) for host in hosts]
    for machine in machines:
        machine.start()
    start.set()
    return machines


def ended(machines):
    """How they end: exit codes, or minus the signal."""
    for machine in machines:
        machine.join(LONGEST)
    return [machine.exitcode for machine in machines]


@pytest.mark.slow
def test_what_a_killed_machine_leaves_is_done_once_by_the_next_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "reviews.csv", reviews(40))
    (tmp_path / "suite.toml").write_text(SUITE)
    at_work = CONTEXT.Event()
    (first,) = begun("first", killed=at_work)
    assert at_work.wait(LONGEST)
    assert ended(begun("second")) == [LEFT]
    assert "another machine is working on it (first" in Path("second.said").read_text()
    first.kill()
    assert ended([first]) == [-signal.SIGKILL]
    (left,) = Path("runs").rglob(CLAIM)
    assert ended(begun("second")) == [LEFT], "the first one may be alive"

    then = left.stat().st_mtime - GIVEN_UP_SECONDS - 5
    os.utime(left, (then, then))
    assert 0 in ended(begun("second", "third"))
    runs = [f"{task} · majority · seed 0" for task in TASKS]
    assert Counter(Path("finished").read_text().splitlines()) == Counter(runs)
    assert Counter(Path("begun").read_text().splitlines()) == Counter([*runs, runs[1]]), "the second one was cut short"
    assert list(Path("runs").rglob(".*")) == [], "nothing is left of claims and of work that was cut short"
    assert len(list(Path("runs").rglob("run.json"))) == len(TASKS)


def test_processes_of_one_number_on_two_machines_write_one_file_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    flush, file = os.fsync, tmp_path / "suite.json"

    def meanwhile(opened):
        monkeypatch.setattr(os, "fsync", flush)
        write_atomically(file, b"of the other machine")

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_atomically(file, b"of this one")
    assert file.read_bytes() == b"of this one"
    assert list(tmp_path.iterdir()) == [file]
