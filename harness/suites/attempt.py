"""One attempt at a run: any failure is recorded, and the other runs continue."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from harness.environment import unchanged_environment
from harness.errors import UserError
from harness.ops.together import processes
from harness.record import RunRecord
from harness.runs.execution import execute
from harness.runs.options import Options
from harness.runs.recording import failed_record
from harness.runs.run import ERROR, Run
from harness.suites.ended import DONE, Attempt
from harness.training.callbacks import Callbacks


def attempt(run: Run, options: Options, callbacks: Callbacks) -> Attempt:
    """Execute the run, unless another command is executing it or has just done so.

    Raises:
        UserError: If it failed while other processes of the run wait for this one.
    """
    is_mistake = False
    try:
        with _claimed(run, redo=options.redo) as ours, unchanged_environment():
            if not ours:
                return Attempt(None, is_left=run.state() not in DONE)
            return Attempt(execute(run, options, callbacks))
    except UserError as error:
        reason, is_mistake = "\n".join(error.lines), True
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        keep_error(run, traceback.format_exc())
    record = failure(run, reason)
    if processes().num_processes > 1:
        raise UserError(f"{run}: {reason}", "The other processes can't go on without this one, so the run stops here.")
    return Attempt(record, is_mistake)


def failure(run: Run, reason: str) -> RunRecord:
    """Write the record of a failure to the run's folder from the process that fails; the main one may not learn of it.

    If it cannot be written (a full disk), the record is still returned, and says so.
    """
    record = failed_record(run, reason)
    try:
        run.fail(record)
    except OSError as error:
        return record.model_copy(update={"reason": f"{reason}\nThe failure could not be recorded ({error})."})
    return record


def keep_error(run: Run, text: str) -> None:
    """Write a traceback next to the record for debugging; a full disk is reported elsewhere."""
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / ERROR).write_text(text, encoding="utf-8")
    except OSError:
        return


@contextmanager
def _claimed(run: Run, *, redo: bool) -> Iterator[bool]:
    """Yield whether to execute the run. The main process claims it for all that were launched together."""
    together = processes()
    if not together.is_main_process:
        yield True
        return
    with run.claimed() as claimed:
        ours = claimed and (redo or run.state() not in DONE)  # Another command may have completed it meanwhile.
        if not ours and together.num_processes > 1:
            raise UserError(f"{run}: another command is running it. Wait until it ends, then try again.")
        yield ours
