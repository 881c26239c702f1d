"""One cell's attempt: whatever goes wrong in it is recorded, and the other cells go on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from harness.environment import unchanged_environment
from harness.errors import UserError
from harness.ops.device import processes
from harness.record import RunRecord
from harness.runs.execution import Options, run
from harness.runs.recording import failed_record
from harness.runs.run import ERROR, Cell
from harness.training.loop import Callbacks

DONE = ("complete", "diverged")


def attempt(cell: Cell, options: Options, callbacks: Callbacks) -> RunRecord | None:
    """The cell's record, of a failure too; None where another command is at work on the cell, or has just done it.

    Raises:
        UserError: It failed, and there are other processes in the run, which wait for this one.
    """
    try:
        with _claimed(cell, redo=options.redo) as ours, unchanged_environment():
            return run(cell, options, callbacks) if ours else None
    except UserError as error:
        reason = "\n".join(error.lines)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        keep_error(cell, traceback.format_exc())
    record = failure(cell, reason)
    if processes().num_processes > 1:
        raise UserError(f"{cell}: {reason}", "The other processes can't go on without this one, so the run stops here.")
    return record


def failure(cell: Cell, reason: str) -> RunRecord:
    """The record of a failure, left in the cell's folder by whichever process fails: the main one may never hear of it.

    What cannot be written, since the disk is full, is told all the same.
    """
    record = failed_record(cell, reason)
    try:
        cell.fail(record)
    except OSError as error:
        return record.model_copy(update={"reason": f"{reason}\nThe failure could not be recorded ({error})."})
    return record


def keep_error(cell: Cell, text: str) -> None:
    """Leave a traceback beside the record, for whoever mends it; a full disk is told of elsewhere."""
    try:
        cell.folder.mkdir(parents=True, exist_ok=True)
        (cell.folder / ERROR).write_text(text, encoding="utf-8")
    except OSError:
        return


@contextmanager
def _claimed(cell: Cell, *, redo: bool) -> Iterator[bool]:
    """Whether the cell is ours to run. Of processes that were launched together, the main one claims it for all."""
    together = processes()
    if not together.is_main_process:
        yield True
        return
    with cell.claimed() as claimed:
        ours = claimed and (redo or cell.state() not in DONE)  # Another command may have done it since we looked.
        if not ours and together.num_processes > 1:
            raise UserError(f"{cell}: another command is at work on it. Wait for its end, then try again.")
        yield ours
