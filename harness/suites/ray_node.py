"""Execute one run on a node of a Ray cluster, and report on it. Heavy modules are imported late.

A node that shares the disk works in the folder of the suite's runs, like any command on a shared disk. Another one
works in a folder of its own and sends the run's files back in pieces.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, SupportsFloat

from harness.cache import scratch_folder
from harness.environment import prepare_libraries
from harness.errors import UserError, pass_on_notices
from harness.ops.collector import pass_over_what_is_loaded
from harness.record import RECORD
from harness.registry import ENTRIES
from harness.runs.claim import GIVEN_UP_SECONDS
from harness.suites.worker import Noticed
from harness.version import __version__

if TYPE_CHECKING:
    from harness.runs.options import Options
    from harness.runs.run import Run
    from harness.suites.ended import Attempt

PIECE_BYTES = 8 << 20
LOOK_SECONDS = 10.0
_FIRST_FOLDER = Path.cwd()  # The initial folder of this process, from which each run changes to another one.


@dataclass(frozen=True)
class Job:
    """Information about the command, for all its runs.

    Attributes:
        version: The version of the harness that planned them.
        folder: The working directory of the command.
        sign: A file in the folder of runs, which is visible to a node that shares the disk.
        environment: Environment variables of the harness.
        is_uploaded: Whether the node has a copy of the working directory.
    """

    version: str
    folder: Path
    sign: Path
    environment: dict[str, str]
    is_uploaded: bool


@dataclass(frozen=True)
class Begun:
    """The run has started on a node."""

    node: str
    is_shared: bool


@dataclass(frozen=True)
class Piece:
    """A piece of a file from the run's folder; the first one truncates the file."""

    name: str
    content: bytes
    is_first: bool


@dataclass(frozen=True)
class OtherVersion:
    """The node has another version of the harness."""

    node: str
    version: str


def packed(run: Run, options: Options) -> bytes:
    """Pickle a run, with its folder relative to the job's, and the options, for a process that must be set up first.

    Unpickling depends on the user's entries (a task type may have its own columns).
    """
    return pickle.dumps((run, replace(options, ray=None)))


def do_run(work: bytes, job: Job, *, again: bool) -> Iterator[object]:
    """Execute a run on this node.

    Args:
        work: The result of `packed`.
        job: Information about the command.
        again: Whether an earlier attempt was lost with its node, whose claim may still exist.

    Yields:
        `Begun`, any number of `Piece` and `Noticed`, and finally the result of `attempt`; only `OtherVersion` if the
            node has another version of the harness.
    """
    if job.version != __version__:
        yield OtherVersion(socket.gethostname(), __version__)
        return
    is_shared = (job.folder / job.sign).exists()
    _settle_down(job, is_shared=is_shared)
    run, options = pickle.loads(work)
    yield Begun(socket.gethostname(), is_shared)
    heard = _heard()
    heard.clear()
    if is_shared:
        ended = _attempt(run, options, patience=GIVEN_UP_SECONDS + 20 if again else 0)
    else:
        with scratch_folder() as place:
            there = replace(run, folder=place / run.folder.name)
            ended = _brought(there, replace(options, redo=False))
            yield from _pieces(there.folder)
    yield from map(Noticed, heard)
    yield ended


def _settle_down(job: Job, *, is_shared: bool) -> None:
    os.environ.update(job.environment)
    os.environ.setdefault("RAYON_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    prepare_libraries()
    is_there = is_shared or (not job.is_uploaded and job.folder.is_dir())
    os.chdir(job.folder if is_there else _FIRST_FOLDER)


def _attempt(run: Run, options: Options, *, patience: float = 0) -> Attempt:
    """Attempt the run; with patience, again while the claim of a lost node prevents it."""
    until, attempt = time.monotonic() + patience, _attempts()
    while (ended := attempt(run, options, _Unheard())).is_left and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return ended


@cache
def _attempts() -> Callable[..., Attempt]:
    from harness.suites.attempt import attempt  # noqa: PLC0415 -- torch takes its number of threads when it is imported

    pass_over_what_is_loaded()
    return attempt


def _brought(run: Run, options: Options) -> Attempt:
    """Attempt the run on the node's own disk, whose files must be those that were planned."""
    from harness.suites.attempt import failure  # noqa: PLC0415 -- torch, as above
    from harness.suites.ended import Attempt  # noqa: PLC0415 -- beside it

    try:
        _check_same_files(run)
    except UserError as error:
        return Attempt(failure(run, "\n".join(error.lines)), is_mistake=True)
    return _attempt(run, options)


def _check_same_files(run: Run) -> None:
    """Check that paths refer to the same files here as where the run was planned.

    Raises:
        UserError: If one is different or missing.
    """
    from harness.config.run import task_of  # noqa: PLC0415 -- after the process has settled down
    from harness.runs.content import model_files, weights_fingerprint  # noqa: PLC0415 -- as above

    config, where = run.config, f"{run} on the node {socket.gethostname()}"
    advice = "Give the nodes a disk that they share, or set upload = true in [cluster]."
    try:
        data = task_of(config).source.fingerprint()
        weights, files = weights_fingerprint(config.model), model_files(config.model)
    except UserError as error:
        raise UserError(*error.lines, f"{where}: {advice}") from error
    checkpoint = config.model.checkpoint
    if data != config.data:
        raise UserError(f"{where}: its data is not what the command planned with. {advice}")
    if weights != config.weights or files.items() - config.files.items():
        raise UserError(
            f"{where}: {checkpoint or config.model.tokenizer} is not what the command planned with. {advice}"
        )


def _pieces(folder: Path) -> Iterator[Piece]:
    """The files that a run left in its folder, except the record, which is sent with the attempt."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if not file.is_file() or name.parts[0].startswith(".") or name == Path(RECORD):
            continue
        with file.open("rb") as stream:
            content, is_first = stream.read(PIECE_BYTES), True
            while content or is_first:
                yield Piece(name.as_posix(), content, is_first)
                content, is_first = stream.read(PIECE_BYTES), False


@cache
def _heard() -> list[str]:
    """The notices since the list was last emptied; a process serves many runs."""
    found: list[str] = []
    pass_on_notices(found.append)
    return found


class _Unheard:
    """Callbacks that report nothing: a task only reports when it yields."""

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Ignore the step."""

    def on_evaluate(self, point: object) -> None:
        """Ignore the evaluation."""


def own_environment(folder: Path) -> dict[str, str]:
    """The harness's environment variables for nodes, with entry folders relative to the working directory.

    Args:
        folder: The working directory.
    """
    found = {name: value for name, value in os.environ.items() if name.startswith("HARNESS_")}
    entries = [Path(name).absolute() for name in os.environ.get(ENTRIES, "").split(os.pathsep) if name]
    seen = [entry.relative_to(folder) if entry.is_relative_to(folder) else entry for entry in entries]
    return {**found, ENTRIES: os.pathsep.join(map(str, seen))}
