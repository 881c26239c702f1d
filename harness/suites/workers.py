"""Workers: parallel runs in long-lived processes. If one dies, only its current run is lost."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

from harness.cache import scratch_folder
from harness.errors import UserError, notice
from harness.ops.stopping import stop_request
from harness.record import CurvePoint
from harness.runs.options import Options
from harness.runs.run import Run, TaskAndModel
from harness.suites.ended import Attempt
from harness.suites.order import Queue, Seconds
from harness.suites.progress import Board, Row
from harness.suites.worker import Noticed, Ready, Stepped, work
from harness.suites.worker_processes import WorkerProcess, can_fork, forked, spawned
from harness.suites.worker_slots import WorkerSlot

ENDING_SECONDS = 10.0
STOPPING = "Stopping: runs in training end their step and save their state. Ctrl-C once more stops at once."
Result = tuple[Run, Attempt]


@dataclass
class _Worker:
    """A process, our end of its pipe, and its current run."""

    slot: WorkerSlot
    log: Path
    process: WorkerProcess
    pipe: Connection
    run: Run | None = None
    row: Row | None = None

    def end(self) -> None:
        """Kill the process, which as always leaves a resumable state."""
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def stop(self) -> None:
        """Have the process save the state of its run and end; if nothing is being trained, it ends at once."""
        self.process.terminate()

    def printed(self) -> str:
        """The output of the worker and its libraries since its last run started."""
        return self.log.read_text(encoding="utf-8", errors="replace").strip() if self.log.exists() else ""


def _started(slot: WorkerSlot, log: Path) -> _Worker:
    ours, theirs = Pipe()
    process = spawned(work, (theirs, slot, log))
    theirs.close()
    return _Worker(slot, log, process, ours)


def _all_started(slots: Sequence[WorkerSlot], folder: Path, *, planned: Sequence[Run]) -> Iterator[_Worker]:
    """Start a worker for each slot, forked if possible."""
    logs = [folder / f"worker-{number}.log" for number in range(len(slots))]
    if not can_fork(slots):
        yield from map(_started, slots, logs)
        return
    pipes = [Pipe() for _ in slots]
    given = [(theirs, slot, log) for (_, theirs), slot, log in zip(pipes, slots, logs, strict=True)]
    processes = forked(work, given, imported=_needed(planned))
    for (ours, theirs), slot, log, process in zip(pipes, slots, logs, processes, strict=True):
        theirs.close()
        yield _Worker(slot, log, process, ours)


def _needed(planned: Sequence[Run]) -> list[str]:
    """The modules that every worker needs for the runs; simple baselines need no model."""
    trains = not all(run.config.model.is_simple_baseline for run in planned)
    writes = ["pyarrow.parquet", "pandas"]  # pyarrow imports pandas for the first column that it makes.
    models = ["harness.training.finetuning", "harness.models.families"] if trains else []
    return ["harness.suites.attempt", *writes, *models]


@dataclass
class _Suite:
    """The waiting runs, the known times, and the workers."""

    waiting: Queue
    options: Options
    board: Board
    seconds: dict[TaskAndModel, float]
    workers: list[_Worker] = field(default_factory=list)
    is_stopping: bool = False
    printed: str = ""  # By the last worker that ended before its first run and printed anything.

    def stop(self) -> None:
        """Give out no more runs, and have the workers save the state of theirs and end."""
        if not self.is_stopping:
            self.is_stopping = True
            for worker in self.workers:
                worker.stop()

    def received(self, worker: _Worker) -> Result | None:
        """Handle a message of a worker; return its run and the outcome if it has ended."""
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            return self._died(worker)
        if isinstance(message, Stepped):
            assert worker.row is not None, "steps are taken in a run"
            worker.row.on_step(message.step, message.steps, loss=message.loss, items=message.items)
        elif isinstance(message, CurvePoint):
            assert worker.row is not None, "a validation split is a run's"
            worker.row.on_evaluate(message)
        elif isinstance(message, Noticed):
            notice(message.line)
        elif isinstance(message, Ready):
            self._give(worker)
        else:
            return self._ended(worker, message)
        return None

    def _give(self, worker: _Worker) -> None:
        """Give the worker a run, or end it if none is left."""
        if not self.waiting or self.is_stopping:
            worker.end()
            self.workers.remove(worker)
            return
        run = self.waiting.take(self.seconds, workers=len(self.workers))
        worker.run, worker.row = run, self.board.begin(str(run))
        try:
            worker.pipe.send((run, self.options))
        except OSError:
            return  # It has died; its pipe will show it.

    def _ended(self, worker: _Worker, ended: Attempt) -> Result:
        run = self._released(worker)
        if ended.seconds is not None:
            self.seconds[run.task_and_model] = ended.seconds
        self._give(worker)
        return run, ended

    def _died(self, worker: _Worker) -> Result | None:
        """Report the dead worker's run as failed, and replace the worker if it had a run and others wait."""
        worker.process.join(ENDING_SECONDS)  # The pipe closes before the exit code is available.
        worker.end()
        self.workers.remove(worker)
        if worker.run is None or self.is_stopping:
            self._leave(worker)
            return None
        from harness.suites.attempt import failure, keep_error  # noqa: PLC0415 -- torch, which no living worker needs here

        run = self._released(worker)
        if worker.printed():
            keep_error(run, worker.printed())
        ended = Attempt(failure(run, f"its worker {_ending(worker.process.exitcode)}"))
        if self.waiting:
            self.workers.append(_started(worker.slot, worker.log))
        return run, ended

    def _leave(self, lost: _Worker) -> None:
        """Continue without a worker that was stopped, or that never started, as long as there is another."""
        if self.is_stopping:
            if lost.run is not None:
                self._released(lost)
            return
        self.printed = lost.printed() or self.printed  # One log has the output of the process that forks all workers.
        if self.waiting and not self.workers:
            how, said = _ending(lost.process.exitcode), self.printed.splitlines()[-1:]
            raise UserError(f"harness run: no worker could start; the last one {how} Try --workers 1.", *said)

    def _released(self, worker: _Worker) -> Run:
        run, row = worker.run, worker.row
        assert run is not None, "only a run that was given can end"
        assert row is not None, "a run has a row as long as it runs"
        worker.run = worker.row = None
        self.board.end(row)
        return run


def in_workers(
    planned: Sequence[Run],
    options: Options,
    board: Board,
    *,
    worker_slots: Sequence[WorkerSlot],
    seconds: Seconds,
) -> Generator[Result]:
    """Yield each run with its outcome as soon as it ends.

    The results are those of sequential execution with the same number of threads, because workers share no state. After
    Ctrl-C or SIGTERM, runs in training save their state. When the block is left, the workers are killed at once.

    Args:
        planned: The runs in the suite's order.
        options: How to run.
        board: Displays the progress of each run.
        worker_slots: The slot of each worker.
        seconds: The time of each model on each task when it last ran.

    Raises:
        UserError: If no worker could start.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, once the workers have ended; at once after another Ctrl-C.
    """
    grid = _Suite(Queue(planned), options, board, dict(seconds))
    with scratch_folder() as logs, stop_request(STOPPING) as stop:
        try:
            for worker in _all_started(worker_slots, Path(logs), planned=planned):
                grid.workers.append(worker)
            while grid.workers:
                asked = [] if grid.is_stopping else [stop.reader]
                speaking = wait([*asked, *(worker.pipe for worker in grid.workers)])
                if stop.is_made:
                    grid.stop()
                for worker in [worker for worker in grid.workers if worker.pipe in speaking]:
                    result = grid.received(worker)
                    if result is not None:
                        yield result
            if stop.is_made:
                raise KeyboardInterrupt
        finally:
            for worker in grid.workers:
                worker.end()


def _ending(exitcode: int | None) -> str:
    """Describe how a process ended.

    >>> _ending(-9)
    'was killed (SIGKILL). If memory ran out, try fewer --workers.'
    >>> _ending(3)
    'ended with exit code 3.'
    """
    if exitcode is None or exitcode >= 0:
        return f"ended with exit code {exitcode}."
    name = signal.Signals(-exitcode).name
    advice = " If memory ran out, try fewer --workers." if name == "SIGKILL" else ""
    return f"was killed ({name}).{advice}"
