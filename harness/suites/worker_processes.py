"""Worker processes: forked from one that has imported what all of them need, or spawned.

Importing torch and transformers takes seconds of CPU time and hundreds of megabytes, which forked workers share. The
process that forks them does nothing else: forking a process with threads may hang, and a fork can't use the GPU.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess, SpawnProcess
from pathlib import Path
from traceback import print_exc
from typing import Any, Protocol

from harness.ops.collector import pass_over_what_is_loaded
from harness.suites.worker import print_into, settle_down
from harness.suites.worker_slots import WorkerSlot, named_threads

Arguments = tuple[Connection, WorkerSlot, Path]  # Arguments of `work`: its end of the pipe, its slot, its log.
Work = Callable[[Connection, WorkerSlot, Path], None]
_SPAWN = get_context("spawn")


class WorkerProcess(Protocol):
    """The interface of a worker's process, a part of that of `multiprocessing.Process`."""

    @property
    def exitcode(self) -> int | None:
        """The exit code; None if it has not ended, as far as is known."""

    def kill(self) -> None:
        """Kill it."""

    def terminate(self) -> None:
        """Send it SIGTERM."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, with a timeout in seconds."""


def can_fork(slots: Sequence[WorkerSlot]) -> bool:
    """Return whether workers with these slots can be forked: several with one thread each, without a GPU, on Linux.

    >>> can_fork([WorkerSlot(threads=1, gpu="0"), WorkerSlot(threads=1, gpu="1")])
    False
    """
    is_bare = all(slot.threads == 1 and slot.gpu is None for slot in slots)
    return sys.platform == "linux" and len(slots) > 1 and is_bare and named_threads() in (None, 1)


def spawned(work: Work, arguments: Arguments) -> SpawnProcess:
    """Start a worker in a spawned process."""
    process = _SPAWN.Process(target=work, args=arguments)
    _start(process)
    return process


def forked(work: Work, arguments: Sequence[Arguments], *, imported: Sequence[str]) -> list[ForkedProcess]:
    """Start a process for each worker, all forked from one.

    Args:
        work: The function of a worker.
        arguments: The arguments of each worker.
        imported: The modules to import before forking.
    """
    forking = _Forking(work, arguments, imported)
    return [ForkedProcess(forking, index) for index in range(len(arguments))]


class ForkedProcess:
    """A worker's process, which is a child of the forking one."""

    def __init__(self, forking: _Forking, index: int) -> None:
        self._forking, self._index = forking, index

    @property
    def exitcode(self) -> int | None:
        """The exit code, as known from `join`."""
        return self._forking.exitcode(self._index)

    def kill(self) -> None:
        """Kill it and no other; but before any is forked, the process that would fork them all."""
        self._forking.end(self._index, signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM to it and to no other; but before any is forked, to the process that would fork them all."""
        self._forking.end(self._index, signal.SIGTERM)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, with a timeout in seconds."""
        self._forking.wait_for(self._index, timeout)


class _Forking:
    """Our side of the forking process.

    It sends an empty list before it forks the first worker, `(index, exit code)` of each that could not be forked, the
    process ids, and `(index, exit code)` of each worker that ends. So once a worker is heard of, the list is there.
    """

    def __init__(self, work: Work, arguments: Sequence[Arguments], imported: Sequence[str]) -> None:
        self._told, theirs = _SPAWN.Pipe(duplex=False)
        self._process = _SPAWN.Process(target=_fork_workers, args=(theirs, work, arguments, imported))
        _start(self._process)
        theirs.close()
        self._workers = len(arguments)
        self._pids: list[int] | None = None  # None before forking, empty while forking.
        self._exitcodes: dict[int, int] = {}
        self._is_over = False

    def exitcode(self, index: int) -> int | None:
        """The exit code of a worker; if the forking process ended before reporting it, that of the forking process."""
        return self._exitcodes.get(index, self._process.exitcode if self._is_over else None)

    def end(self, index: int, number: signal.Signals) -> None:
        """Send SIGTERM or SIGKILL to a worker, if it has not ended."""
        while (self._told.poll() or self._pids == []) and self._hear():
            pass
        if self._pids is None:
            (self._process.terminate if number == signal.SIGTERM else self._process.kill)()
        elif self.exitcode(index) is None:
            with suppress(ProcessLookupError):
                os.kill(self._pids[index], number)

    def wait_for(self, index: int, timeout: float | None) -> None:
        """Wait until the worker's exit code is known."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.exitcode(index) is None:
            if not self._told.poll(None if until is None else max(until - time.monotonic(), 0.0)):
                return
            self._hear()

    def _hear(self) -> bool:
        """Receive one more message; return whether there was one."""
        try:
            message = self._told.recv()
        except EOFError:
            message = None
        if isinstance(message, list):
            self._pids = message
        elif message is not None:
            index, self._exitcodes[index] = message
        if message is None or len(self._exitcodes) == self._workers:
            self._process.join()
            self._is_over = True
        return message is not None


def _fork_workers(told: Connection, work: Work, arguments: Sequence[Arguments], imported: Sequence[str]) -> None:
    """The forking process, which ends with its parent or with the workers: import, fork, report exit codes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print_into(arguments[0][2])
    settle_down(arguments[0][1])
    for name in imported:
        with suppress(Exception):  # A worker will fail in the same way, and log it.
            import_module(name)
        _end_without_parent()
    pass_over_what_is_loaded()  # Memory that is never touched is never copied.
    fork = get_context("fork")
    workers = [fork.Process(target=_work_alone, args=(told, work, arguments, i)) for i in range(len(arguments))]
    running = _start_all(workers, told)
    # A scheduler sends it to every process; this one ends with the others.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for pipe, *_ in arguments:
        pipe.close()
    _tell_of_ends(told, running)


def _start_all(workers: Sequence[ForkProcess], told: Connection) -> dict[Any, tuple[int, ForkProcess]]:
    """Fork the workers, as many as processes and memory allow; return their indices and processes by sentinel."""
    running = {}
    told.send([])
    for index, worker in enumerate(workers):
        try:
            worker.start()
        except OSError:
            print_exc()
            told.send((index, 1))
        else:
            running[worker.sentinel] = index, worker
    told.send([worker.pid for worker in workers])
    return running


def _end_without_parent() -> None:
    """Exit if the parent has ended. A thread can't wait for that here: this process is about to fork."""
    parent = parent_process()
    assert parent is not None, "it is spawned"
    if not parent.is_alive():
        os._exit(1)


def _tell_of_ends(told: Connection, running: dict[Any, tuple[int, ForkProcess]]) -> None:
    parent = parent_process()
    assert parent is not None, "it is spawned"
    while running:
        ended = wait([*running, parent.sentinel])
        if parent.sentinel in ended:
            os._exit(1)
        for sentinel in ended:
            index, worker = running.pop(sentinel)
            worker.join()
            told.send((index, worker.exitcode))


def _work_alone(told: Connection, work: Work, arguments: Sequence[Arguments], index: int) -> None:
    """Run one worker without the others' pipes: the end of a pipe is invisible while another process holds it."""
    told.close()
    for other, (pipe, *_) in enumerate(arguments):
        if other != index:
            pipe.close()
    work(*arguments[index])


def _start(process: SpawnProcess) -> None:
    with _ignored(signal.SIGINT):  # Inherited: Ctrl-C before the worker runs only stops the parent.
        process.start()


@contextmanager
def _ignored(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
