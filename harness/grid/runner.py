"""Run cells one after the other; what goes wrong in one costs that one only."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.cell import ERROR, Cell
from harness.engine.device import processes
from harness.engine.tracking import check_tracker
from harness.errors import UserError
from harness.grid.cells import states
from harness.grid.progress import view
from harness.record import RunRecord
from harness.recording import failed_record
from harness.run import Options, run

DONE = ("complete", "diverged")


def run_cells(cells: Sequence[Cell], options: Options, console: Console) -> int:
    """Run the cells that are not recorded yet.

    Returns:
        How many failed.

    Raises:
        UserError: A cell is recorded with another configuration (and `redo` was not asked for), or there is no such
            tracker.
    """
    if options.track is not None:
        check_tracker(options.track)
    waiting = _waiting(cells, redo=options.redo)
    if len(waiting) < len(cells):
        console.print(f"{len(cells) - len(waiting)} of {len(cells)} cells are recorded already and are skipped.")
    failed, told = 0, set[str]()
    for number, cell in enumerate(waiting, start=1):
        record = _run_one(cell, options, console, title=f"[{number}/{len(waiting)}] {cell}")
        failed += record.status == "failed"
        console.print(_line(cell, record), soft_wrap=True)
        news = [fact for fact in _facts(record) if fact not in told]
        told.update(news)
        for line in (*record.reason.splitlines(), *news):
            console.print(Text(f"    {line}"), soft_wrap=True)
    return failed


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


def _run_one(cell: Cell, options: Options, console: Console, *, title: str) -> RunRecord:
    """The cell's record. Whatever goes wrong is told and recorded, and the other cells go on."""
    try:
        with view(title, console) as watcher:
            return run(cell, options, watcher)
    except UserError as error:
        reason = "\n".join(error.lines)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _keep_traceback(cell)
    record = failed_record(cell, reason)
    try:
        cell.fail(record)  # By whichever process fails: of several, the main one may never hear of it.
    except OSError as error:
        console.print(Text(f"{cell}: its failure could not be recorded ({error})."))
    if processes().num_processes > 1:
        raise UserError(f"{cell}: {reason}", "The other processes can't go on without this one, so the run stops here.")
    return record


def _keep_traceback(cell: Cell) -> None:
    """Leave the traceback beside the record, for whoever mends it."""
    try:
        cell.folder.mkdir(parents=True, exist_ok=True)
        (cell.folder / ERROR).write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        return  # The disk is full: the reason is told all the same.


def _line(cell: Cell, record: RunRecord) -> Text:
    if record.status != "complete":
        return Text.assemble((f"✗ {cell}", "red"), f"  {record.status}")
    metric = record.task_card.main_metric
    seconds = sum(record.cost.seconds.values())
    return Text.assemble((f"✓ {cell}", "green"), f"  {metric} {record.scores['test'][metric]:.4f}  {seconds:.0f} s")


def _facts(record: RunRecord) -> list[str]:
    """What a person should know beside the score, but only once: what was left out, what happened on the way."""
    dropped = [f"{record.task}: {reason}: {count}" for reason, count in record.counts.dropped.items()]
    return [*dropped, *(f"{record.model}: {note}" for note in record.notes)]
