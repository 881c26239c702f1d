"""Runs on a Ray cluster, one task each with its resources. If a node is lost, only its runs start again.

This process submits the runs and receives the results. Ray is imported when runs are submitted.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from harness.errors import UserError, notice
from harness.ops.stopping import stoppable
from harness.ops.together import processes
from harness.runs.options import Options, Resources
from harness.runs.run import Run
from harness.suites.brought import Brought
from harness.suites.ended import Attempt
from harness.suites.progress import Board, Row
from harness.suites.ray_node import Begun, Job, OtherVersion, Piece, do_run, own_environment, packed
from harness.suites.ray_room import LOOK_SECONDS, Room
from harness.suites.worker import Noticed
from harness.suites.workers import STOPPING, Result
from harness.version import __version__

MOST_LOST = 3
MOST_WAITING = 1000
"""Maximum number of tasks submitted to Ray at a time; an autoscaler sees their resources."""
UNREAD_PIECES = 4


@dataclass
class _Task:
    """A run submitted to the cluster."""

    run: Run
    lost: int = 0
    row: Row | None = None
    brought: Brought | None = None


def on_ray(waiting: Sequence[Run], options: Options, board: Board) -> Generator[Result]:
    """Yield each run with its outcome as soon as it ends. A run whose node is lost starts again on another one.

    Args:
        waiting: The runs, in the suite's order.
        options: How to run; `ray` has the resources of each run.
        board: Displays the progress of each run.

    Raises:
        UserError: If there is no cluster, or its nodes have another version of the harness.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, once runs on a shared disk have saved their states; at once after
            another one.
    """
    assert options.ray is not None, "somebody wants the runs on Ray"
    if processes().num_processes > 1:
        raise UserError("--on ray: can't be used under accelerate launch. Leave one of them out.")
    ray = _imported()
    with _connected(ray, options.ray, waiting), _sign(waiting) as sign, stoppable():
        folder = Path.cwd()
        job = Job(__version__, folder, sign, own_environment(folder), options.ray.upload)
        yield from _Cluster(ray, options, job, board).results(waiting)


class _Cluster:
    """Submits runs and receives the results."""

    def __init__(self, ray: Any, options: Options, job: Job, board: Board) -> None:
        assert options.ray is not None, "somebody wants the runs on Ray"
        self._ray, self._options, self._board = ray, options, board
        asked = _asked(options.ray)
        self._room = Room(ray, asked)
        remote = ray.remote(
            num_returns="streaming",
            max_retries=0,
            _generator_backpressure_num_objects=UNREAD_PIECES,
            **{_OPTIONS[name]: amount for name, amount in asked.items()},
        )(do_run)
        self._begin = partial(remote.remote, job=job)
        self._most = options.ray.at_most or MOST_WAITING
        self._queue: deque[_Task] = deque()
        self._tasks: dict[Any, _Task] = {}  # By the Ray generator of the task's messages.
        self._paused_until = 0.0

    def results(self, waiting: Sequence[Run]) -> Generator[Result]:
        """Yield each run with its outcome."""
        self._queue.extend(map(_Task, waiting))
        try:
            while self._queue or self._tasks:
                while self._queue and len(self._tasks) < self._most and time.monotonic() >= self._paused_until:
                    self._hand_out(self._queue.popleft())
                for told in self._ready():
                    result = self._next(told)
                    if result is not None:
                        yield result
        except (KeyboardInterrupt, GeneratorExit):  # The latter if Ctrl-C came between two results.
            self._stop()
            raise
        finally:
            for task in self._tasks.values():
                self._release(task)

    def _stop(self) -> None:
        """Cancel all tasks, and wait until runs on a shared disk have saved their states; the others have none here."""
        notice(STOPPING)
        saving = [told for told, task in self._tasks.items() if task.row is not None and task.brought is None]
        for told in self._tasks:
            self._ray.cancel(told)
        while saving:
            for told in self._ray.wait(saving, num_returns=1)[0]:
                try:
                    self._ray.get(next(told))
                except (self._ray.exceptions.RayError, StopIteration):
                    saving.remove(told)

    def _ready(self) -> Sequence[Any]:
        """The tasks with a message, after some seconds at most. The user is told why no run is in progress."""
        ready: Sequence[Any] = []
        if self._tasks:
            ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=LOOK_SECONDS)
        else:  # All are refused for now.
            time.sleep(LOOK_SECONDS)
        if any(task.row for task in self._tasks.values()):
            self._room.is_used()
        elif not ready:
            self._room.is_awaited()
        return ready

    def _hand_out(self, task: _Task) -> None:
        self._tasks[self._begin(packed(task.run, self._options), again=task.lost > 0)] = task

    def _next(self, told: Any) -> Result | None:
        """Handle the next message of a task; return the run and its outcome if it has ended."""
        task, errors = self._tasks[told], self._ray.exceptions
        try:
            message = self._ray.get(next(told))
        except errors.RayTaskError as error:
            return self._ended(told, self._failure(task.run, _mistake(error), of=error.cause))
        except errors.TaskUnschedulableError as error:
            self._refused(told, str(error))
            return None
        except (errors.RayError, StopIteration) as error:
            return self._lost(told, str(error).partition("\n")[0])
        if isinstance(message, Begun):
            task.row = self._board.begin(f"{task.run} on {message.node}")
            task.brought = None if message.is_shared else Brought(task.run, redo=self._options.redo)
        elif isinstance(message, Piece):
            assert task.brought is not None, "only a node with a disk of its own sends files"
            task.brought.write(message)
        elif isinstance(message, Noticed):
            notice(message.line)
        elif isinstance(message, OtherVersion):
            raise UserError(
                f"--on ray: the node {message.node} has harness {message.version}, and this is {__version__}. Install "
                "the same on all."
            )
        else:
            return self._ended(told, message if task.brought is None else task.brought.placed(message))
        return None

    def _ended(self, told: Any, ended: Attempt) -> Result:
        task = self._tasks.pop(told)
        self._release(task)
        return task.run, ended

    def _refused(self, told: Any, why: str) -> None:
        """Submit a run later that Ray refused because no node is large enough: one may be starting."""
        self._room.is_refused(why)
        self._queue.append(self._tasks.pop(told))
        self._paused_until = time.monotonic() + LOOK_SECONDS

    def _lost(self, told: Any, how: str) -> Result | None:
        """Submit a run again whose node or process was lost, up to a maximum number of times."""
        task = self._tasks[told]
        task.lost += 1
        if task.lost == MOST_LOST:
            return self._ended(told, self._failure(task.run, f"its node or process was lost {MOST_LOST} times: {how}"))
        del self._tasks[told]
        self._release(task)
        notice(f"{task.run}: its node or process was lost, and it is started again ({task.lost}).")
        self._hand_out(task)
        return None

    def _failure(self, run: Run, reason: str, *, of: object = None) -> Attempt:
        from harness.suites.attempt import failure  # noqa: PLC0415 -- torch, which is only needed here

        return Attempt(failure(run, reason), is_mistake=isinstance(of, UserError))

    def _release(self, task: _Task) -> None:
        if task.row is not None:
            self._board.end(task.row)
        if task.brought is not None:
            task.brought.close()
        task.row = task.brought = None


_OPTIONS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}


def _asked(wanted: Resources) -> dict[str, float]:
    """The resources of a task by Ray's names, with their options in `_OPTIONS`."""
    found: dict[str, float] = {"CPU": wanted.cpus, "GPU": wanted.gpus}  # A task with 0 GPUs doesn't see any.
    return found if wanted.memory_bytes is None else {**found, "memory": wanted.memory_bytes}


def _mistake(error: Any) -> str:
    """Describe an error on a node outside the run, which reports its own.

    Raises:
        UserError: If the node lacks the harness or its requirements, so that it can't execute any run.
    """
    cause = error.cause
    if isinstance(cause, ImportError):
        raise UserError(f"--on ray: a node lacks what the harness needs ({cause}). Install the same packages on each.")
    return str(cause) if isinstance(cause, UserError) else f"on its node: {type(cause).__name__}: {cause}"


def _imported() -> Any:
    try:
        import ray  # noqa: PLC0415 -- an extra
        import ray.exceptions  # noqa: PLC0415 -- as above
    except ImportError as error:
        raise UserError("--on ray: Ray is not installed. pip install 'finetune-harness[ray]'") from error
    return ray


@contextmanager
def _connected(ray: Any, wanted: Resources, waiting: Sequence[Run]) -> Iterator[None]:
    """Connect to the cluster of RAY_ADDRESS or of this machine; an existing connection is kept."""
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS") or "auto"
    if address.startswith("ray://"):
        raise UserError(
            f"--on ray: {address} is a Ray client's address, but the command must run on a node of the cluster. "
            "Unset RAY_ADDRESS there."
        )
    if (
        wanted.upload and len(sys.executable.split()) > 1
    ):  # Ray builds an unquoted shell command from it, and retries for ever.
        raise UserError(
            f"--on ray: with upload Ray can't start a Python whose path has a blank, as {sys.executable} has. Move the "
            "environment, or let the nodes share the disk (upload = false)."
        )
    copied = {"working_dir": str(Path.cwd()), "excludes": _kept_here(waiting)} if wanted.upload else None
    try:
        ray.init(address=address, runtime_env=copied, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise UserError(
            f"--on ray: no cluster found at {address!r}. On its first machine: ray start "
            "--head. Then run this command on any of its machines.",
            *(f"    {line}" for line in str(error).splitlines()[:3]),
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _kept_here(waiting: Sequence[Run]) -> list[str]:
    """Paths of the working directory that are not sent to nodes, besides those that git ignores."""
    folders = {run.folder.parts[0] for run in waiting if not run.folder.is_absolute()}
    return [".git", *(f"/{folder}" for folder in sorted(folders))]


@contextmanager
def _sign(waiting: Sequence[Run]) -> Iterator[Path]:
    """Create a file in the folder of the runs that shows a node whether it shares the disk."""
    folder = Path(os.path.commonpath([run.folder.parent for run in waiting]))
    folder.mkdir(parents=True, exist_ok=True)
    sign = folder / f".ray-{uuid4().hex}"
    sign.touch()
    try:
        yield sign
    finally:
        sign.unlink(missing_ok=True)
