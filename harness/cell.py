"""Cell: the folder of one run, in which a result is either whole or not there.

Work goes on in `<cell>/.partial/`. When everything is there, it moves into place, the record last.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.config import RunConfig, differences
from harness.errors import UserError
from harness.record import PREDICTIONS, RECORD, RunRecord, read_record, write_atomically, write_record

CHECKPOINT = "checkpoint"
CONFIG = "config.json"
STATE = "state"
ERROR = "error.txt"
State = Literal["new", "unfinished", "complete", "diverged", "failed"]


@dataclass(frozen=True)
class Cell:
    """One run's place.

    Attributes:
        suite: The suite's name.
        model: The model's name in the suite.
        config: What identifies the run.
        folder: `runs/<suite>/<task>/<model>/seed-<N>`.
    """

    suite: str
    model: str
    config: RunConfig
    folder: Path

    @property
    def partial(self) -> Path:
        """Where the work goes on until it is whole."""
        return self.folder / ".partial"

    def __str__(self) -> str:
        return f"{self.config.task} · {self.model} · seed {self.config.seed}"

    def state(self) -> State:
        """What of the run is there. What failed, or never got as far as a saved state, stands in nobody's way.

        Raises:
            UserError: A result, or saved work, of another configuration, with the differing keys; or no whole record.
        """
        record = read_record(self.folder / RECORD) if (self.folder / RECORD).exists() else None
        if record is not None and record.status != "failed":
            self._check(record.config, self.folder / RECORD)
            return record.status
        begun, saved = self._begun(), (self.partial / STATE).exists()
        if begun is not None and saved:
            self._check(begun, self.partial)
        if begun == self.config.resolved() and (saved or record is None):
            return "unfinished"
        return "new" if record is None else "failed"

    def begin(self, *, redo: bool) -> None:
        """Make the place for the work, without what an earlier attempt left of it: with `redo`, or if it differs."""
        if redo or self._begun() != self.config.resolved():
            shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_atomically(self.partial / CONFIG, json.dumps(self.config.resolved()).encode())

    def finish(self, record: RunRecord) -> None:
        """Move the work into place. An earlier result goes only now that the new one is whole."""
        write_record(record, self.partial)
        (self.folder / RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.folder / CHECKPOINT, ignore_errors=True)
        (self.folder / PREDICTIONS).unlink(missing_ok=True)
        for name in (CHECKPOINT, PREDICTIONS, RECORD):
            if (self.partial / name).exists():
                (self.partial / name).rename(self.folder / name)
        (self.folder / ERROR).unlink(missing_ok=True)
        shutil.rmtree(self.partial)

    def fail(self, record: RunRecord) -> None:
        """Leave a record of the failure, unless something else than a failure is recorded; saved work stays."""
        if not (self.folder / RECORD).exists() or self._has_failed():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_record(record, self.folder)

    def _has_failed(self) -> bool:
        try:
            return read_record(self.folder / RECORD).status == "failed"
        except UserError:  # What can't be read may be a result all the same.
            return False

    def _begun(self) -> Any:
        """The configuration of the work under way; None where there is none that can be read."""
        try:
            return json.loads((self.partial / CONFIG).read_bytes())
        except (OSError, ValueError):
            return None

    def _check(self, recorded: Any, where: Path) -> None:
        wanted = self.config.resolved()
        lines = differences(recorded, wanted) if isinstance(recorded, dict) else ["no configuration"]
        if lines:
            raise UserError(
                f"{where}: recorded with another configuration; use --redo to replace it, or another --runs folder.",
                *(f"    {line}" for line in lines),
            )
