"""Run: the folder of one run, in which a result is either whole or not there.

Work goes on in `<run>/.partial/`. When everything is there, it moves into place, the record last. What is begun to
replace a result (`--redo`) says so there, and is continued by the next command, whether that has `--redo` or not.

POSIX only: that a run is one process's alone is a claim on its folder (`harness.runs.claim`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.atomic_writes import sweep_unfinished_writes, write_atomically
from harness.checksums import with_digest, without_digest
from harness.config.run import RunConfig
from harness.errors import UserError
from harness.fold import which_run
from harness.record import PREDICTIONS, RECORD, RunRecord, Status, read_record, write_record
from harness.runs.claim import check_claim, claimed, has_claim
from harness.runs.identity import run_differences
from harness.trial import Trial, Tuning

CHECKPOINT = "checkpoint"
CONFIG = "config.json"
STATE = "state"
ERROR = "error.txt"
REDO, CONFIRMED = "redo", "all are marked"
State = Literal["new", "unfinished", "complete", "diverged", "failed"]


@dataclass(frozen=True)
class Run:
    """One run's place.

    Attributes:
        suite: The suite's name.
        model: The model's name in the suite.
        config: What identifies the run.
        folder: `runs/<suite>/<task>/<model>/seed-<N>`, in cross-validation `seed-<N>-fold-<K>`;
            of a trial `trials/trial-<N>` in the model's.
        trial: Of a run that tries a recipe.
        tuning: Of a run whose recipe was chosen by trials.
    """

    suite: str
    model: str
    config: RunConfig
    folder: Path
    trial: Trial | None = None
    tuning: Tuning | None = None

    @property
    def partial(self) -> Path:
        """Where the work goes on until it is whole."""
        return self.folder / ".partial"

    def __str__(self) -> str:
        known = which_run(self.config.seed, self.config.fold)
        return f"{self.config.task} · {self.model} · {known if self.trial is None else f'trial {self.trial.number}'}"

    def state(self) -> State:
        """What of the run is there; nothing is changed. What failed, or has no saved state, is ignored.

        A result whose move into place was cut short counts as there: its record is written when it is whole.

        Raises:
            UserError: A result, or saved work, of another configuration, with the differing keys; or no whole record.
        """
        if not self.folder.exists():
            return "new"
        if self.is_redone:
            return "unfinished"
        whole = [file for file in (self.partial / RECORD, self.folder / RECORD) if file.exists()]
        record = read_record(whole[0]) if whole else None
        if record is not None and record.status != "failed":
            self._check(record.config, whole[0])
            return record.status
        begun, saved = self._begun(), (self.partial / STATE).exists()
        if begun is not None and saved:
            self._check(begun, self.partial)
        if self._same(begun) and (saved or record is None):
            return "unfinished"
        return "new" if record is None else "failed"

    @property
    def is_redone(self) -> bool:
        """Whether work that replaces a result is under way, with this configuration."""
        return (self.partial / REDO).exists() and not (self.partial / RECORD).exists() and self._same(self._begun())

    def settle(self) -> None:
        """Go on with a move into place that was cut short, and remove what nothing goes on with.

        Of several processes, one only may do so.
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
        """Have what is there replaced, by this command or the next, unless another command is at work on it."""
        with self.claimed() as ours:
            if ours:
                self.begin(redo=True)

    def confirm_redo(self) -> None:
        """Say that every run that is to be replaced is marked, so that one without a mark has been replaced."""
        if (self.partial / REDO).exists():  # Else it is another command's.
            (self.partial / REDO).write_text(CONFIRMED)

    @property
    def is_redo_confirmed(self) -> bool:
        """Whether a command that marked all it was to replace was cut short before it came to this run's end."""
        return self.is_redone and (self.partial / REDO).read_bytes() == CONFIRMED.encode()

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whether the run is this process's alone until the block ends; False: another one is at it."""
        with claimed(self.folder) as ours:
            yield ours

    def begin(self, *, redo: bool) -> None:
        """Make the place for the work, without what an earlier attempt left of it: with `redo`, or if it differs.

        Work that was begun with `redo` is continued.
        """
        if not (self.is_redone if redo else self._same(self._begun())):
            _remove(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_atomically(self.partial / CONFIG, json.dumps(with_digest(self.config.resolved())).encode())
        if redo:
            (self.partial / REDO).touch()

    def finish(self, record: RunRecord) -> None:
        """Move the work into place. An earlier result goes only now that the new one is whole."""
        check_claim(self.folder)
        write_record(record, self.partial)
        self._move_into_place()

    def fail(self, record: RunRecord) -> None:
        """Leave a record of the failure, unless something else than a failure is recorded; saved work stays.

        A result that was to be replaced is the result again, and the next `--redo` begins anew.
        """
        (self.partial / REDO).unlink(missing_ok=True)
        if not (self.folder / RECORD).exists() or _status(self.folder / RECORD) == "failed":
            self.folder.mkdir(parents=True, exist_ok=True)
            write_record(record, self.folder)

    def _move_into_place(self) -> None:
        """Replace what stands in the folder, the record last, so that a move cut short can be resumed."""
        left = _left_by(read_record(self.partial / RECORD))
        (self.partial / REDO).unlink(missing_ok=True)  # What is left of it from here on is the move.
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
        """Whether there is work beside a result, which nothing goes on with: none that replaces it."""
        if not self.partial.exists() or any((self.partial / name).exists() for name in (RECORD, REDO)):
            return False
        return self._has_result()

    def _has_claim_of_the_past(self) -> bool:
        """Whether there is a claim on a result that is whole: its process was killed just before it gave it up."""
        return has_claim(self.folder) and self._has_result()

    def _has_result(self) -> bool:
        return _status(self.folder / RECORD) in ("complete", "diverged")

    def _begun(self) -> Any:
        """The configuration of the work under way; None where there is none that can be read, or it is damaged."""
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
    """What a run leaves beside its record."""
    if record.status != "complete" or record.trial is not None:
        return ()
    return (CHECKPOINT,) if record.is_validation_only else (CHECKPOINT, PREDICTIONS)


def _status(file: Path) -> Status | None:
    """The record's status; None where it can't be read, which may be a result all the same."""
    try:
        return read_record(file).status
    except UserError:
        return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
