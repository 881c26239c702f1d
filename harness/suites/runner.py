"""Do the runs that are not recorded yet, here one after the other or side by side in workers."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from harness.errors import UserError
from harness.ops.collector import passing_over_what_is_loaded
from harness.ops.together import processes
from harness.record import RECORD, RunRecord
from harness.runs.options import Options
from harness.runs.run import Run
from harness.suites.ended import DONE, Attempt
from harness.suites.expansion import states
from harness.suites.on_ray import on_ray
from harness.suites.order import recorded_seconds
from harness.suites.progress import Board, board
from harness.suites.time_left import TimeLeft
from harness.suites.unread import never_read_lines, rare_label_lines, unreachable_lines
from harness.suites.worker_slots import WorkerSlot, this_machine, worker_slots
from harness.suites.workers import Result, in_workers


@dataclass
class Tally:
    """What became of the runs of a command.

    Attributes:
        failed: Those that failed.
        mistaken: Those of them that failed by what the user gave them.
        left: Those that were left to another command, which is at work on them.
        reasons: Which failed, and why.
    """

    failed: int = 0
    mistaken: int = 0
    left: int = 0
    reasons: tuple[str, ...] = ()

    def count(self, ended: Attempt) -> None:
        """One attempt more."""
        if ended.record is not None and ended.record.status == "failed":
            found = ended.record
            self.failed += 1
            self.reasons += (f"{found.task} · {found.model} · {found.which}: {found.reason}",)
        self.mistaken += ended.is_mistake
        self.left += ended.is_left

    def with_others(self, others: Tally) -> Tally:
        """The sum of both."""
        return Tally(
            self.failed + others.failed,
            self.mistaken + others.mistaken,
            self.left + others.left,
            self.reasons + others.reasons,
        )


def execute_runs(planned: Sequence[Run], options: Options, console: Console, *, workers: int | None = None) -> Tally:
    """Do the runs that are not recorded yet.

    Args:
        planned: In the suite's order.
        options: How.
        console: Where to say what happens.
        workers: Processes that take runs side by side; None: as many as suit the machine.

    Returns:
        How many failed, and how many were left out.

    Raises:
        UserError: A run is recorded with another configuration (and `redo` was not asked for), there is no such
            tracker, or there can't be so many workers.
    """
    if options.track is not None:
        from harness.training.tracking import check_tracker  # noqa: PLC0415 -- torch, which workers import side by side

        check_tracker(options.track)
    requested = _requested(workers)
    waiting = _waiting(planned, console, redo=options.redo)
    if len(waiting) < len(planned):
        console.print(f"{len(planned) - len(waiting)} of {len(planned)} runs are recorded already and are skipped.")
    where = (
        []
        if options.ray is not None or requested == 1 or len(waiting) < 2
        else worker_slots(this_machine(), requested=requested, planned=len(waiting))
    )
    tally, said, records = Tally(), set[str](), list[RunRecord]()
    with (
        board(len(waiting), console) as shown,
        closing(_results(planned, waiting, options, shown=shown, where=where)) as results,
    ):
        left = TimeLeft(waiting, recorded_seconds(planned) if len(waiting) > 1 else {}, workers=max(len(where), 1))
        if len(where) > 1:
            shown.start(len(where))
        foreseen = left.seconds if options.ray is None else lambda: None  # How many nodes there will be is not known.
        shown.expect(foreseen())
        for run, ended in results:
            tally.count(ended)
            records += [ended.record] if ended.record is not None and run.trial is None else []
            _say(run, ended, console, said)
            left.ended(run, _seconds(ended.record))
            shown.expect(foreseen())
    for line in (*never_read_lines(records), *rare_label_lines(records)):
        console.print(Text(line), soft_wrap=True)
    return tally


def _seconds(record: RunRecord | None) -> float | None:
    """What the run took; None of one that failed, or was made elsewhere."""
    return None if record is None or record.status == "failed" else sum(record.cost.seconds.values())


def _requested(workers: int | None) -> int | None:
    """How many workers; one where processes were launched together, which run each run side by side themselves.

    Raises:
        UserError: More are asked for all the same.
    """
    if "ACCELERATE_MIXED_PRECISION" not in os.environ and processes().num_processes == 1:
        return workers
    if workers not in (None, 1):
        raise UserError(f"--workers {workers}: can't be used under accelerate launch. Leave one of them out.")
    return 1


def _waiting(planned: Sequence[Run], console: Console, *, redo: bool) -> list[Run]:
    """The runs that are to be run: the same ones on every process, which all look before any begins."""
    together = processes()
    if together.is_main_process:
        for run in planned:
            run.settle()
    together.wait_for_everyone()
    if not redo:
        before = states(planned)
        together.wait_for_everyone()
        return [run for run, state in zip(planned, before, strict=True) if state not in DONE]
    waiting = _to_be_redone(planned, console)
    together.wait_for_everyone()
    if together.is_main_process:
        _mark(waiting)
    together.wait_for_everyone()
    return waiting


def mark_redone(planned: Sequence[Run], console: Console) -> None:
    """Have every recorded run replaced, by whatever runs it next; go on with a `--redo` that was cut short.

    Args:
        planned: All runs that there may be; those without a record are none to be replaced.
        console: Where to say that one goes on.
    """
    recorded = [run for run in planned if (run.folder / RECORD).exists()]
    _mark(_to_be_redone(recorded, console))


def _to_be_redone(planned: Sequence[Run], console: Console) -> list[Run]:
    cut_short = any(run.is_redo_confirmed for run in planned)
    # A trial is what its names and its space make it: it is replaced only where it would be another one.
    waiting = [run for run in planned if _is_left(run) or (run.trial is None and not cut_short)]
    if cut_short:
        console.print(
            f"Resuming an interrupted --redo: {len(waiting)} of {len(planned)} runs are left. To start "
            "one over, delete its .partial folder.",
            soft_wrap=True,
        )
    return waiting


def _mark(waiting: Sequence[Run]) -> None:
    for run in waiting:
        run.mark_redo()
    for run in waiting:
        run.confirm_redo()


def _is_left(run: Run) -> bool:
    """Whether a --redo that was cut short had not come to the run yet."""
    try:
        return run.state() not in DONE
    except UserError:  # An old result, of another configuration, or one that can't be read.
        return True


def _results(
    planned: Sequence[Run], waiting: Sequence[Run], options: Options, *, shown: Board, where: Sequence[WorkerSlot]
) -> Generator[Result]:
    """Each waiting run with how its attempt ended; on Ray where it was asked for, in workers where there are slots."""
    if waiting and options.ray is not None:
        yield from on_ray(waiting, options, shown)
    elif len(where) > 1:
        yield from in_workers(waiting, options, shown, worker_slots=where, seconds=recorded_seconds(planned))
    elif waiting:
        yield from _in_this_process(waiting, options, shown)


def _in_this_process(waiting: Sequence[Run], options: Options, shown: Board) -> Generator[Result]:
    from harness.suites.attempt import attempt  # noqa: PLC0415 -- torch, which workers import side by side

    with passing_over_what_is_loaded():
        for run in waiting:
            row = shown.begin(str(run))
            ended = attempt(run, options, row)
            shown.end(row)
            yield run, ended


def _say(run: Run, ended: Attempt, console: Console, said: set[str]) -> None:
    """Say how the run ended, and what nobody was told yet."""
    record = ended.record
    if record is None:
        other = "is running it" if ended.is_left else "has done it in the meantime"
        console.print(Text(f"– {run}  another command {other}"), soft_wrap=True)
        return
    console.print(_line(run, record), soft_wrap=True)
    news = [fact for fact in _facts(record) if fact not in said]
    said.update(news)
    for line in (*record.reason.splitlines(), *news):
        console.print(Text(f"    {line}"), soft_wrap=True)
    for line, is_warning in unreachable_lines(record):
        style, prefix = ("yellow", "warning: ") if is_warning else ("", "")
        console.print(Text(f"    {prefix}{line}", style=style), soft_wrap=True)


def _line(run: Run, record: RunRecord) -> Text:
    if record.status != "complete":
        return Text.assemble((f"✗ {run}", "red"), f"  {record.status}")
    split = "validation" if record.is_validation_only else "test"
    known = {name: score for name, score in record.scores[split].items() if not math.isnan(score)}
    # A masked model has no perplexity, but a pseudo-perplexity.
    metric = next(iter(known), record.task_card.main_metric)
    seconds = sum(record.cost.seconds.values())
    named = f"validation {metric}" if record.is_validation_only else metric
    return Text.assemble((f"✓ {run}", "green"), f"  {named} {known.get(metric, math.nan):.4f}  {seconds:.0f} s")


def _facts(record: RunRecord) -> list[str]:
    """What a person should know beside the score, but only once: what was left out, what happened on the way."""
    dropped = [f"{record.task}: {reason}: {count}" for reason, count in record.counts.dropped.items()]
    return [*dropped, *(f"{record.model}: {note}" for note in record.notes)]
