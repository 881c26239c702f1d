"""Run the cells that are not recorded yet, here one after the other or side by side in workers."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Sequence
from contextlib import closing

from rich.console import Console
from rich.text import Text

from harness.errors import UserError
from harness.ops.device import processes
from harness.record import RunRecord
from harness.runs.execution import Options
from harness.runs.run import Cell
from harness.suites.attempt import DONE, attempt
from harness.suites.expansion import states
from harness.suites.order import recorded_seconds
from harness.suites.progress import Board, board
from harness.suites.worker_slots import Place, places, this_machine
from harness.suites.workers import Result, in_workers
from harness.training.tracking import check_tracker


def run_cells(cells: Sequence[Cell], options: Options, console: Console, *, workers: int | None = None) -> int:
    """Run the cells that are not recorded yet.

    Args:
        cells: In the suite's order.
        options: How.
        console: Where to say what happens.
        workers: Processes that take cells side by side; None: as many as suit the machine.

    Returns:
        How many failed.

    Raises:
        UserError: A cell is recorded with another configuration (and `redo` was not asked for), there is no such
            tracker, or there can't be so many workers.
    """
    if options.track is not None:
        check_tracker(options.track)
    asked = _asked(workers)
    waiting = _waiting(cells, redo=options.redo)
    if len(waiting) < len(cells):
        console.print(f"{len(cells) - len(waiting)} of {len(cells)} cells are recorded already and are skipped.")
    where = [] if asked == 1 or len(waiting) < 2 else places(this_machine(), asked=asked, cells=len(waiting))
    failed, told = 0, set[str]()
    with (
        board(len(waiting), console) as shown,
        closing(_results(cells, waiting, options, shown=shown, where=where)) as results,
    ):
        for cell, record in results:
            failed += record is not None and record.status == "failed"
            _say(cell, record, console, told)
    return failed


def _asked(workers: int | None) -> int | None:
    """How many workers; one where processes were launched together, which run each cell side by side themselves.

    Raises:
        UserError: More are asked for all the same.
    """
    if "ACCELERATE_MIXED_PRECISION" not in os.environ and processes().num_processes == 1:
        return workers
    if workers not in (None, 1):
        raise UserError(f"--workers {workers}: can't stand beside accelerate launch. Leave one of them out.")
    return 1


def _waiting(cells: Sequence[Cell], *, redo: bool) -> list[Cell]:
    """The cells that are to be run: the same ones on every process, which all look before any begins."""
    together = processes()
    if together.is_main_process:
        for cell in cells:
            cell.settle()
    together.wait_for_everyone()
    before = ["new"] * len(cells) if redo else states(cells)
    together.wait_for_everyone()
    return [cell for cell, state in zip(cells, before, strict=True) if state not in DONE]


def _results(
    cells: Sequence[Cell], waiting: Sequence[Cell], options: Options, *, shown: Board, where: Sequence[Place]
) -> Generator[Result]:
    """Each waiting cell with its record, as `attempt` gives it; in workers where there are places for several."""
    if len(where) > 1:
        yield from in_workers(waiting, options, shown, places=where, seconds=recorded_seconds(cells))
        return
    for cell in waiting:
        row = shown.begin(str(cell))
        record = attempt(cell, options, row)
        shown.end(row)
        yield cell, record


def _say(cell: Cell, record: RunRecord | None, console: Console, told: set[str]) -> None:
    """Say how the cell ended, and what nobody was told yet."""
    if record is None:
        console.print(Text(f"– {cell}  another command is at work on it"), soft_wrap=True)
        return
    console.print(_line(cell, record), soft_wrap=True)
    news = [fact for fact in _facts(record) if fact not in told]
    told.update(news)
    for line in (*record.reason.splitlines(), *news):
        console.print(Text(f"    {line}"), soft_wrap=True)


def _line(cell: Cell, record: RunRecord) -> Text:
    if record.status != "complete":
        return Text.assemble((f"✗ {cell}", "red"), f"  {record.status}")
    split = "validation" if record.is_validation_only else "test"
    known = {name: score for name, score in record.scores[split].items() if not math.isnan(score)}
    # A masked model has no perplexity, but a pseudo-perplexity.
    metric = next(iter(known), record.task_card.main_metric)
    seconds = sum(record.cost.seconds.values())
    named = f"validation {metric}" if record.is_validation_only else metric
    return Text.assemble((f"✓ {cell}", "green"), f"  {named} {known.get(metric, math.nan):.4f}  {seconds:.0f} s")


def _facts(record: RunRecord) -> list[str]:
    """What a person should know beside the score, but only once: what was left out, what happened on the way."""
    dropped = [f"{record.task}: {reason}: {count}" for reason, count in record.counts.dropped.items()]
    return [*dropped, *(f"{record.model}: {note}" for note in record.notes)]
