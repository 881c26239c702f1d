"""A worker: a process that imports torch once and executes many runs. Heavy modules are imported late."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, SupportsFloat

from harness.errors import pass_on_notices
from harness.ops.collector import pass_over_what_is_loaded
from harness.output import prepare_streams
from harness.suites.worker_slots import WorkerSlot

if TYPE_CHECKING:
    from harness.record import CurvePoint
    from harness.runs.options import Options
    from harness.runs.run import Run

TELL_SECONDS = 0.2
_THREADS = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Ready:
    """The worker has finished its imports and waits for a run."""


@dataclass(frozen=True)
class Stepped:
    """Progress of a run's optimizer steps; `items` counts those since the last message."""

    step: int
    steps: int
    loss: float
    items: int


@dataclass(frozen=True)
class Noticed:
    """A line for the user, shown once for all workers."""

    line: str


def work(pipe: connection.Connection, slot: WorkerSlot, log: Path) -> None:
    """Execute the runs that arrive through the pipe, until there are none.

    It sends `Ready`, then for each run `Stepped`, `CurvePoint` and `Noticed` while it runs, and finally the result of
    `attempt`. The parent may die or kill the worker at any time: a run can always be resumed from its state.

    Args:
        pipe: The pipe to the parent, which no other worker shares, so that a killed worker can't block another.
        slot: The threads and GPU to use.
        log: The file for the output of libraries, which only contains that of the last run.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of the terminal; the parent handles it.
    Thread(target=_end_with_parent, daemon=True).start()
    print_into(log)
    settle_down(slot)
    from harness.suites.attempt import attempt  # noqa: PLC0415 -- torch takes its number of threads when it is imported

    pass_over_what_is_loaded()
    pass_on_notices(lambda line: pipe.send(Noticed(line)))
    pipe.send(Ready())
    while (task := _received(pipe)) is not None:
        os.truncate(log, 0)
        run, options = task
        try:
            ended = attempt(run, options, _Telling(pipe))
        except KeyboardInterrupt:
            return  # The parent has asked to stop, and the state is saved.
        pipe.send(ended)


def settle_down(slot: WorkerSlot) -> None:
    """Restrict this process, and whatever it imports from now on, to the slot's threads and GPU."""
    for name in _THREADS:
        os.environ.setdefault(name, str(slot.threads))
    if slot.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = slot.gpu


def _received(pipe: connection.Connection) -> tuple[Run, Options] | None:
    try:
        task: tuple[Run, Options] | None = pipe.recv()
    except EOFError:
        return None
    return task


def _end_with_parent() -> None:
    """Exit as soon as the parent ends in any way, because nobody would receive the results."""
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    connection.wait([parent.sentinel])
    os._exit(1)


def print_into(log: Path) -> None:
    """Redirect the output of this process and its libraries to a file; the terminal belongs to the parent."""
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    prepare_streams()


class _Telling:
    """Callbacks that send messages, at most a few times a second: a small model takes hundreds of steps."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe, self._items, self._told = pipe, 0, 0.0

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Send a message to the parent, unless one was sent just now."""
        self._items += items
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._send(Stepped(step, steps, float(loss), self._items))
            self._items, self._told = 0, time.monotonic()

    def on_evaluate(self, point: CurvePoint) -> None:
        """Send the evaluation to the parent."""
        self._send(point)

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            sys.exit(1)  # The parent is gone. The run did not fail, so no failure may be recorded.
