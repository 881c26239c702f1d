"""Execute the runs that are not recorded yet, sequentially here or in parallel workers."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.errors import UserError
from harness.ops.collector import passing_over_what_is_loaded
from harness.ops.together import processes
from harness.output import say
from harness.record import RECORD, RunRecord
from harness.runs.options import Options
from harness.runs.run import Run
from harness.suites.ended import DONE, Attempt
from harness.suites.expansion import states
from harness.suites.on_ray import on_ray
from harness.suites.order import Seconds, recorded_seconds
from harness.suites.progress import Board, board
from harness.suites.time_left import TimeLeft, shares_done
from harness.suites.unread import never_read_lines, rare_label_lines, unreachable_lines
from harness.suites.worker_slots import WorkerSlot, this_machine, worker_slots
from harness.suites.workers import Result, in_workers


@dataclass
class Tally:
    """The outcomes of a command's runs.

    Attributes:
        failed: Number of failed runs.
        mistaken: Number of those that failed because of the user's input.
        left: Number of runs left to another command that is executing them.
        reasons: The failed runs with their reasons.
    """

    failed: int = 0
    mistaken: int = 0
    left: int = 0
    reasons: tuple[str, ...] = ()

    def count(self, ended: Attempt) -> None:
        """Count an attempt."""
        if ended.record is not None and ended.record.status == "failed":
            found = ended.record
            self.failed += 1
            self.reasons += (f"{found.task} · {found.model} · {found.which}: {found.reason}",)
        self.mistaken += ended.is_mistake
        self.left += ended.is_left

    def with_others(self, others: Tally) -> Tally:
        """Add the tallies."""
        return Tally(
            self.failed + others.failed,
            self.mistaken + others.mistaken,
            self.left + others.left,
            self.reasons + others.reasons,
        )


def execute_runs(planned: Sequence[Run], options: Options, console: Console) -> Tally:
    """Execute the runs that are not recorded yet.

    Args:
        planned: The runs in the suite's order.
        options: How to run.
        console: Where to print.

    Returns:
        The numbers of failed runs and of those left out.

    Raises:
        UserError: If a run is recorded with another configuration (without `redo`), the tracker does not exist,
            there can't be so many workers, or the suite's folder can't be made.
    """
    if options.track is not None:
        from harness.training.tracking import check_tracker  # noqa: PLC0415 -- torch, which workers import side by side

        check_tracker(options.track)
    requested = _requested(options.workers)
    waiting = _waiting(planned, console, redo=options.redo)
    if waiting:
        _make_folder(waiting[0].folder.parents[2])
    if len(waiting) < len(planned):
        console.print(f"{len(planned) - len(waiting)} of {len(planned)} runs are recorded already and are skipped.")
    where = (
        []
        if options.ray is not None or requested == 1 or len(waiting) < 2
        else worker_slots(this_machine(), requested=requested, planned=len(waiting))
    )
    known = recorded_seconds(planned) if len(waiting) > 1 else {}
    tally, said, records = Tally(), set(options.notes_told), list[RunRecord]()
    with (
        board(len(waiting), console) as shown,
        closing(_results(waiting, options, shown=shown, where=where, known=known)) as results,
    ):
        left = TimeLeft(waiting, known, workers=max(len(where), 1), done=shares_done(waiting, planned))
        if len(where) > 1:
            shown.start(len(where))
        foreseen = left.seconds if options.ray is None else lambda: None  # The number of nodes is unknown.
        shown.expect(foreseen())
        for run, ended in results:
            tally.count(ended)
            records += [ended.record] if ended.record is not None and run.trial is None else []
            _say(run, ended, console, said)
            left.ended(run, ended.seconds)
            shown.expect(foreseen())
    rare = () if options.rare_label_told else rare_label_lines(records)
    for line in (*never_read_lines(records), *rare):
        say(console, line)
    return tally


def _requested(workers: int | None) -> int | None:
    """The number of workers; one if processes were launched together, because they run each run jointly.

    Raises:
        UserError: If more are requested anyway.
    """
    if "ACCELERATE_MIXED_PRECISION" not in os.environ and processes().num_processes == 1:
        return workers
    if workers not in (None, 1):
        raise UserError(f"--workers {workers}: can't be used under accelerate launch. Leave one of them out.")
    return 1


def _waiting(planned: Sequence[Run], console: Console, *, redo: bool) -> list[Run]:
    """The runs to execute: the same on every process, because all look before any starts."""
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
    """Mark every recorded run for replacement by whatever executes it next; continue an interrupted `--redo`.

    Args:
        planned: All possible runs; those without a record, or saved work of another configuration, need no replacement.
        console: Where to say that one is continued.
    """
    found = [run for run in planned if (run.folder / RECORD).exists() or _is_refused(run)]
    _mark(_to_be_redone(found, console))


def _make_folder(folder: Path) -> None:
    """Make a folder above those of the runs.

    Raises:
        UserError: If it can't be made, which no run then has to find out.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}. Use another folder, or free some space.") from error


def _to_be_redone(planned: Sequence[Run], console: Console) -> list[Run]:
    cut_short = any(run.is_redo_confirmed for run in planned)
    # A trial is determined by its names and its space, so it is only replaced if it would differ.
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
    """Return whether an interrupted --redo had not replaced the run yet."""
    return _is_refused(run) or run.state() not in DONE


def _is_refused(run: Run) -> bool:
    """Return whether a result or saved work is of another configuration, or unreadable."""
    try:
        run.state()
    except UserError:
        return True
    return False


def _results(
    waiting: Sequence[Run],
    options: Options,
    *,
    shown: Board,
    where: Sequence[WorkerSlot],
    known: Seconds,
) -> Generator[Result]:
    """Yield each waiting run with its outcome: on Ray if requested, in workers if there are several slots."""
    if waiting and options.ray is not None:
        yield from on_ray(waiting, options, shown)
    elif len(where) > 1:
        yield from in_workers(waiting, options, shown, worker_slots=where, seconds=known)
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
    """Print how the run ended, and remarks that were not printed before."""
    record = ended.record
    if record is None:
        other = "is running it" if ended.is_left else "has done it in the meantime"
        console.print(Text(f"– {run}  another command {other}"), soft_wrap=True)
        return
    console.print(_line(run, record), soft_wrap=True)
    news = [fact for fact in _facts(record, said) if fact not in said]
    said.update(news)
    for line in (*record.reason.splitlines(), *news):
        say(console, f"    {line}")
    for line, is_warning in unreachable_lines(record):
        style, prefix = ("yellow", "warning: ") if is_warning else ("", "")
        say(console, f"    {prefix}{line}", style=style)


def _line(run: Run, record: RunRecord) -> Text:
    if record.status != "complete":
        return Text.assemble((f"✗ {run}", "red"), f"  {record.status}")
    split = "validation" if record.is_validation_only else "test"
    known = {name: score for name, score in record.scores[split].items() if not math.isnan(score)}
    # A masked model has a pseudo-perplexity instead of a perplexity.
    metric = next(iter(known), record.task_card.main_metric)
    named = f"validation {metric}" if record.is_validation_only else metric
    return Text.assemble(
        (f"✓ {run}", "green"), f"  {named} {known.get(metric, math.nan):.4f}  {record.cost.total_seconds:.0f} s"
    )


def _facts(record: RunRecord, told: Collection[str]) -> list[str]:
    """Remarks to print once next to the score: dropped rows, and notes that the user has not been told."""
    dropped = [f"{record.task}: {reason}: {count}" for reason, count in record.counts.dropped.items()]
    return [*dropped, *(f"{record.model}: {note}" for note in record.notes if note not in told)]
