"""A worker: a process that imports torch once and then runs run after run. What is heavy is imported late."""

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
    """The worker has imported what it needs, and waits for a run."""


@dataclass(frozen=True)
class Stepped:
    """What callbacks are told of a run's optimiser steps; `items` counts those since the last time."""

    step: int
    steps: int
    loss: float
    items: int


@dataclass(frozen=True)
class Noticed:
    """A line that the user is to read, once for all workers."""

    line: str


def work(pipe: connection.Connection, slot: WorkerSlot, log: Path) -> None:
    """Do the runs that come through the pipe, one after the other, until there are none.

    What goes back: `Ready`, then for each run `Stepped`, `CurvePoint` and `Noticed` while it runs, and in the end what
    `attempt` gives. The parent may die or kill the worker at any time: a run can always be resumed from its state.

    Args:
        pipe: To the parent; no other worker shares it, so that one which is killed can't block another.
        slot: Where to work.
        log: What others print goes there, with the last run's alone in it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent acts on it.
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
        pipe.send(attempt(run, options, _Telling(pipe)))


def settle_down(slot: WorkerSlot) -> None:
    """Have this process, and whatever it imports from now on, keep to the slot's threads and GPU."""
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
    """End at once when the parent does, however it does: nobody would take what the worker finds."""
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    connection.wait([parent.sentinel])
    os._exit(1)


def print_into(log: Path) -> None:
    """Send what this process and its libraries print into a file, and keep the terminal for the parent."""
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    prepare_streams()


class _Telling:
    """Callbacks that pass on what they are told, a few optimiser steps a second: a small model takes hundreds."""

    def __init__(self, pipe: connection.Connection) -> None:
        self._pipe, self._items, self._told = pipe, 0, 0.0

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Tell the parent, unless it was told just now."""
        self._items += items
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._send(Stepped(step, steps, float(loss), self._items))
            self._items, self._told = 0, time.monotonic()

    def on_evaluate(self, point: CurvePoint) -> None:
        """Tell the parent."""
        self._send(point)

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            sys.exit(1)  # The parent is gone. Nothing went wrong with the run, so nothing may be recorded of it.
