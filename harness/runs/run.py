"""Run: the folder of one run, in which a result is either complete or absent.

Work happens in `<run>/.partial/`. When complete, it is moved into place, the record last. Work that replaces a result
(`--redo`) is marked there, and is continued by the next command, with or without `--redo`.

POSIX only: a run is reserved for one process by a claim on its folder (`harness.runs.claim`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.atomic_writes import sweep_unfinished_writes
from harness.checksums import without_digest, write_document
from harness.config.run import RunConfig
from harness.errors import UserError
from harness.fold import which_run
from harness.record import PREDICTIONS, RECORD, RunRecord, Status, read_record, write_record
from harness.records import readable_record
from harness.runs.claim import check_claim, claimed, has_claim
from harness.runs.identity import run_differences
from harness.trial import Trial, Tuning

PARTIAL = ".partial"
CHECKPOINT = "checkpoint"
CONFIG = "config.json"
STATE = "state"
ERROR = "error.txt"
REDO, CONFIRMED = "redo", "all are marked"
TaskAndModel = tuple[str, str]
State = Literal["new", "unfinished", "complete", "diverged", "failed"]


@dataclass(frozen=True)
class Run:
    """A run and its folder.

    Attributes:
        suite: The name of the suite.
        model: The name of the model in the suite.
        config: The configuration, which identifies the run.
        folder: `runs/<suite>/<task>/<model>/seed-<N>`, in cross-validation `seed-<N>-fold-<K>`;
            of a trial `trials/trial-<N>` in the model's.
        trial: The trial, if the run is one.
        tuning: The tuning, if trials chose the settings of the run.
    """

    suite: str
    model: str
    config: RunConfig
    folder: Path
    trial: Trial | None = None
    tuning: Tuning | None = None

    @property
    def partial(self) -> Path:
        """The folder of the work until it is complete."""
        return self.folder / PARTIAL

    def __str__(self) -> str:
        known = which_run(self.config.seed, self.config.fold)
        return f"{self.config.task} · {self.model} · {known if self.trial is None else f'trial {self.trial.number}'}"

    @property
    def task_and_model(self) -> TaskAndModel:
        """What it has in common with the other seeds and folds of its model."""
        return self.config.task, self.model

    def record_if_any(self) -> RunRecord | None:
        """The record in its folder, of whatever configuration; None if there is none that can be read."""
        return readable_record(self.folder / RECORD)

    def state(self) -> State:
        """The state of the run, without changing it.

        A result whose move into place was interrupted counts: its record is only written once it is complete. The
        configuration of a failure, or of work without a saved state, is not checked.

        Raises:
            UserError: If a result or saved work has another configuration, with the differing keys, or a record is
                damaged.
        """
        if not self.folder.exists():
            return "new"
        if self.is_redone:
            return "unfinished"
        file, record = self._recorded()
        if record is not None and record.status != "failed":
            self._check(record.config, file)
            return record.status
        begun, saved = self._begun(), (self.partial / STATE).exists()
        if begun is not None and saved:
            self._check(begun, self.partial)
        if self._same(begun) and (saved or record is None):
            return "unfinished"
        return "new" if record is None else "failed"

    @property
    def is_redone(self) -> bool:
        """Whether work that replaces a result is in progress, with this configuration."""
        return (self.partial / REDO).exists() and not (self.partial / RECORD).exists() and self._same(self._begun())

    @property
    def saved_step(self) -> int:
        """The optimizer step of the newest saved state; 0 if there is none with this configuration."""
        try:
            names = [state.name for state in (self.partial / STATE).iterdir()]  # A glob takes much longer.
        except OSError:
            return 0
        numbers = [name.removeprefix("step-") for name in names]
        steps = [int(number) for number in numbers if number.isdecimal()]
        return max(steps) if steps and self._same(self._begun()) else 0

    def settle(self) -> None:
        """Finish an interrupted move into place, and remove abandoned work.

        Only one process at a time may do this.
        """
        if not self.folder.exists():
            return
        sweep_unfinished_writes(self.folder)
        if _status(self.partial / RECORD) is not None or self._is_left_over() or self._has_claim_of_the_past():
            with self.claimed() as ours:
                if ours and _status(self.partial / RECORD) is not None:
                    self._move_into_place()
                elif ours and self._is_left_over():
                    shutil.rmtree(self.partial, ignore_errors=True)

    def mark_redo(self) -> None:
        """Mark the result for replacement, by this command or the next, unless another command is working on it."""
        with self.claimed() as ours:
            if ours:
                self.begin(redo=True)

    def confirm_redo(self) -> None:
        """Record that every run to be replaced is marked, so that one without a mark has been replaced."""
        if (self.partial / REDO).exists():  # Else it is another command's.
            (self.partial / REDO).write_text(CONFIRMED)

    @property
    def is_redo_confirmed(self) -> bool:
        """Whether a command that had marked all its runs for replacement was interrupted before this run ended."""
        try:
            return self.is_redone and (self.partial / REDO).read_bytes() == CONFIRMED.encode()
        except FileNotFoundError:  # Another command has just ended it.
            return False

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Yield whether this process has the run to itself until the block ends; False: another one uses it."""
        with claimed(self.folder) as ours:
            yield ours

    def begin(self, *, redo: bool) -> None:
        """Create the folder for the work, and discard an earlier attempt: with `redo`, or if its configuration differs.

        Work that was started with `redo` is continued.
        """
        if not (self.is_redone if redo else self._same(self._begun())):
            _remove(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_document(self.partial / CONFIG, self.config.resolved())
        if redo:
            (self.partial / REDO).touch()

    def finish(self, record: RunRecord) -> None:
        """Move the work into place. An earlier result is only removed now that the new one is complete."""
        check_claim(self.folder)
        write_record(record, self.partial)
        self._move_into_place()

    def fail(self, record: RunRecord) -> None:
        """Write a record of the failure, unless there is a record other than a failure; saved work stays.

        A result that was to be replaced stays, and the next `--redo` starts anew.
        """
        (self.partial / REDO).unlink(missing_ok=True)
        if not (self.folder / RECORD).exists() or _status(self.folder / RECORD) == "failed":
            self.folder.mkdir(parents=True, exist_ok=True)
            write_record(record, self.folder)

    def _move_into_place(self) -> None:
        """Replace the contents of the folder, the record last, so that an interrupted move can be resumed."""
        left = _left_by(read_record(self.partial / RECORD))
        (self.partial / REDO).unlink(missing_ok=True)  # From here on only the move is left.
        (self.folder / RECORD).unlink(missing_ok=True)
        for name in (CHECKPOINT, PREDICTIONS):
            there = (self.partial / name).exists()
            if there or name not in left:
                _remove(self.folder / name)
            if there:
                (self.partial / name).rename(self.folder / name)
        (self.partial / RECORD).rename(self.folder / RECORD)
        (self.folder / ERROR).unlink(missing_ok=True)
        shutil.rmtree(self.partial)

    def _is_left_over(self) -> bool:
        """Return whether there is abandoned work next to a result, other than work that replaces it."""
        if not self.partial.exists() or any((self.partial / name).exists() for name in (RECORD, REDO)):
            return False
        return self._has_result()

    def _has_claim_of_the_past(self) -> bool:
        """Return whether a complete result still has a claim: its process was killed before it released it."""
        return has_claim(self.folder) and self._has_result()

    def _has_result(self) -> bool:
        return _status(self.folder / RECORD) in ("complete", "diverged")

    def _recorded(self) -> tuple[Path, RunRecord | None]:
        """The file of the result, in place or about to be moved there, and its record; None if there is none."""
        for file in (self.partial / RECORD, self.folder / RECORD):
            try:
                if file.exists():
                    return file, read_record(file)
            except UserError:
                if file.exists():  # Else another command has just moved it into place.
                    raise
        return self.folder / RECORD, None

    def _begun(self) -> Any:
        """The configuration of the work in progress; None if there is none, or it is damaged."""
        try:
            return without_digest(json.loads((self.partial / CONFIG).read_bytes()))
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def _same(self, recorded: Any) -> bool:
        return isinstance(recorded, dict) and not run_differences(recorded, self.config.resolved())

    def _check(self, recorded: Any, where: Path) -> None:
        if not self._same(recorded):
            known = isinstance(recorded, dict)
            lines = run_differences(recorded, self.config.resolved()) if known else ["no configuration"]
            raise UserError(
                f"{where}: recorded with another configuration; use --redo to replace it, or another --runs folder.",
                *(f"    {line}" for line in lines),
            )


def _left_by(record: RunRecord) -> tuple[str, ...]:
    """The files that a run leaves besides its record."""
    if record.status != "complete" or record.trial is not None:
        return ()
    return (CHECKPOINT,) if record.is_validation_only else (CHECKPOINT, PREDICTIONS)


def _status(file: Path) -> Status | None:
    """The status in the record; None if it is unreadable, which may still be a result."""
    record = readable_record(file)
    return None if record is None else record.status


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
