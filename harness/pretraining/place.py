"""Place: the folder of one run of pretraining, in which a result is either whole or not there.

    runs/pretraining/<name>/    checkpoint/  checkpoint-10/  checkpoint-30/  pretraining.json

Work goes on in `.partial/`, and moves into place with the record last.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cell import claimed
from harness.errors import UserError
from harness.pretraining.recipe import PretrainingRecipe, settings_that_differ
from harness.pretraining.record import FILE, PretrainingRecord, read_pretraining, write_pretraining
from harness.record import write_atomically

CONFIG = "config.json"
CHECKPOINTS = "checkpoint*"


@dataclass(frozen=True)
class Place:
    """Where a run of pretraining takes place.

    Attributes:
        folder: Its folder.
    """

    folder: Path

    @property
    def partial(self) -> Path:
        """Where the work goes on until it is whole."""
        return self.folder / ".partial"

    @property
    def state(self) -> Path:
        """Where the state of a run under way is saved."""
        return self.partial / "state"

    def checkpoint(self, share: float) -> Path:
        """Where the checkpoint goes that is kept after a share of the run."""
        return self.partial / ("checkpoint" if share == 1 else f"checkpoint-{share * 100:g}")

    def recorded(self, recipe: PretrainingRecipe) -> PretrainingRecord | None:
        """The record of an earlier run of the same recipe; None: there is none.

        Raises:
            UserError: What is there, or begun, is of another recipe, with the differing keys.
        """
        if (self.folder / FILE).exists():
            record = read_pretraining(self.folder / FILE)
            self._check(record.config, recipe, self.folder / FILE)
            return record
        if self.state.exists():
            self._check(self._begun(), recipe, self.partial)
        return None

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whether the place is this process's alone until the block ends."""
        with claimed(self.folder) as ours:
            yield ours

    def begin(self, recipe: PretrainingRecipe, *, redo: bool) -> None:
        """Make the place for the work, without what an earlier attempt left of it: with `redo`, or if it differs."""
        if redo or self._begun() != recipe.resolved():
            shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_atomically(self.partial / CONFIG, json.dumps(recipe.resolved()).encode())

    def finish(self, record: PretrainingRecord, card: Callable[[PretrainingRecord], str]) -> None:
        """Move the work into place. An earlier result goes only now that the new one is whole."""
        for checkpoint in self.partial.glob(CHECKPOINTS):
            (checkpoint / "README.md").write_text(card(record), encoding="utf-8")
        write_pretraining(record, self.partial)
        self._move_into_place()

    def settle(self) -> None:
        """Go on with a move into place that was cut short. Whose place it is must have been claimed."""
        if (self.partial / FILE).exists():
            self._move_into_place()

    def _move_into_place(self) -> None:
        """Replace what stands in the folder, the record last, so that a move cut short can be gone on with."""
        if (self.folder / FILE).exists():
            for old in self.folder.glob(CHECKPOINTS):
                shutil.rmtree(old)
            (self.folder / FILE).unlink()
        for new in self.partial.glob(CHECKPOINTS):
            new.rename(self.folder / new.name)
        (self.partial / FILE).rename(self.folder / FILE)
        shutil.rmtree(self.partial)

    def _begun(self) -> Any:
        """The recipe of the work under way; None where there is none that can be read."""
        try:
            return json.loads((self.partial / CONFIG).read_bytes())
        except (OSError, ValueError):
            return None

    def _check(self, recorded: object, recipe: PretrainingRecipe, where: Path) -> None:
        if lines := settings_that_differ(recorded, recipe):
            raise UserError(
                f"{where}: begun with another recipe; use --redo to replace it, or another --runs folder.",
                *(f"    {line}" for line in lines),
            )
