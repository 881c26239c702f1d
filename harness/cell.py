"""Cell: the folder of one run, in which a result is either whole or not there.

Work goes on in `<cell>/.partial/`. When everything is there, it moves into place, the record last.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.config import RunConfig, differences
from harness.errors import UserError
from harness.record import PREDICTIONS, RECORD, RunRecord, read_record, write_atomically, write_record

CHECKPOINT = "checkpoint"
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
        """What of the run is there.

        Raises:
            UserError: A record, or unfinished work, of another configuration; the differing keys are named.
        """
        wanted = self.config.resolved()
        if (self.folder / RECORD).is_file():
            record = read_record(self.folder / RECORD)
            self._check(differences(record.config, wanted), self.folder / RECORD)
            if record.status != "failed":
                return record.status
        if (self.partial / "config.json").is_file():
            begun = json.loads((self.partial / "config.json").read_text())
            self._check(differences(begun, wanted), self.partial)
            return "unfinished"
        return "failed" if (self.folder / RECORD).is_file() else "new"

    def begin(self, *, redo: bool) -> None:
        """Make the place for the work; with `redo` without what an earlier attempt left of it."""
        if redo:
            shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_atomically(self.partial / "config.json", json.dumps(self.config.resolved()).encode())

    def finish(self, record: RunRecord) -> None:
        """Move the work into place. An earlier result goes only now that the new one is whole."""
        write_record(record, self.partial)
        (self.folder / RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.folder / CHECKPOINT, ignore_errors=True)
        (self.folder / PREDICTIONS).unlink(missing_ok=True)
        for name in (CHECKPOINT, PREDICTIONS, RECORD):
            if (self.partial / name).exists():
                (self.partial / name).rename(self.folder / name)
        shutil.rmtree(self.partial)

    def fail(self, record: RunRecord) -> None:
        """Leave a record of the failure, unless a whole result stands there; the state stays for another try."""
        if not (self.folder / RECORD).is_file() or read_record(self.folder / RECORD).status == "failed":
            self.folder.mkdir(parents=True, exist_ok=True)
            write_record(record, self.folder)

    def _check(self, lines: list[str], where: Path) -> None:
        if lines:
            raise UserError(
                f"{where}: recorded with another configuration; use --redo to replace it, or another --runs folder.",
                *(f"    {line}" for line in lines),
            )
