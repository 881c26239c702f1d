"""Receive the results of a run from a node with its own disk, and put them in the run's folder."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

from harness.record import PREDICTIONS
from harness.runs.run import CHECKPOINT, Run
from harness.suites.ended import DONE, Attempt
from harness.suites.ray_node import Piece


class Brought:
    """Receives a run's result, unless another command is executing the run or has done so."""

    def __init__(self, run: Run, *, redo: bool) -> None:
        """Prepare to receive; the run is claimed when the first piece arrives."""
        self._run, self._redo, self._claim = run, redo, ExitStack()
        self._ours: bool | None = None

    def write(self, piece: Piece) -> None:
        """Write a piece of a file; files of a result go to the partial folder until it is complete."""
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
        """Move the result into place, and return how the attempt ended from this side."""
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
        """Release the run."""
        self._claim.close()

    def _is_ours(self) -> bool:
        if self._ours is None:
            claimed = self._claim.enter_context(self._run.claimed())
            self._ours = claimed and (self._redo or self._run.state() not in DONE)
            if self._ours:
                self._run.begin(redo=self._redo)
                shutil.rmtree(self._run.partial / CHECKPOINT, ignore_errors=True)  # Left by a cut-off attempt.
        return self._ours
