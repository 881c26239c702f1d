"""What a node with a disk of its own sends back of a run, put where the run belongs."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from harness.record import PREDICTIONS
from harness.runs.run import CHECKPOINT, Run
from harness.suites.ended import DONE, Attempt


class Piece(Protocol):
    """Bytes of a file."""

    @property
    def name(self) -> str:
        """The file, below the run's folder."""

    @property
    def content(self) -> bytes:
        """Some of its bytes."""

    @property
    def is_first(self) -> bool:
        """Whether the file begins with them."""


class Brought:
    """A run's result on its way here. What comes for a run that another command is at, or has done, is left out."""

    def __init__(self, run: Run, *, redo: bool) -> None:
        """Prepare for it; the run is claimed when the first of it comes."""
        self._run, self._redo, self._claim = run, redo, ExitStack()
        self._ours: bool | None = None

    def write(self, piece: Piece) -> None:
        """Keep bytes of a file: of what belongs to a result, until it is whole."""
        if not self._is_ours():
            return
        name = Path(piece.name)
        assert not name.is_absolute(), "a run leaves files below its folder"
        assert ".." not in name.parts, "a run leaves files below its folder"
        belongs = name.parts[0] in (CHECKPOINT, PREDICTIONS)
        file = (self._run.partial if belongs else self._run.folder) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb" if piece.is_first else "ab") as stream:
            stream.write(piece.content)

    def placed(self, ended: Attempt) -> Attempt:
        """How the run ended, seen from here: its record is in place."""
        if ended.record is None:
            return ended
        if not self._is_ours():
            return Attempt(None, is_left=self._run.state() not in DONE)
        if ended.record.status == "failed":
            self._run.fail(ended.record)
        else:
            self._run.finish(ended.record)
        return ended

    def close(self) -> None:
        """Give the run free."""
        self._claim.close()

    def _is_ours(self) -> bool:
        if self._ours is None:
            claimed = self._claim.enter_context(self._run.claimed())
            self._ours = claimed and (self._redo or self._run.state() not in DONE)
            if self._ours:
                self._run.begin(redo=self._redo)
                shutil.rmtree(self._run.partial / CHECKPOINT, ignore_errors=True)  # Half of one, which nobody ended.
        return self._ours
