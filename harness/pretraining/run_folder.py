"""PretrainingFolder: the folder of one run of pretraining, in which a result is either whole or not there.

    runs/pretraining/<name>/    checkpoint/  checkpoint-10/  checkpoint-30/  pretraining.json

Work goes on in `.partial/`, and moves into place with the record last.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.atomic_writes import sweep_unfinished_writes, write_atomically
from harness.checksums import check_files, folder_digests, with_digest, without_digest
from harness.errors import UserError
from harness.models.checkpoint import find_checkpoint
from harness.pretraining.recipe import PretrainingRecipe, settings_that_differ
from harness.pretraining.record import FILE, PretrainingRecord, read_pretraining, write_pretraining
from harness.runs.claim import check_claim, claimed
from harness.runs.identity import differences
from harness.runs.run import REDO

CONFIG, TEXTS = "config.json", "texts.json"
TOKENIZER, WEIGHTS = "tokenizer", "weights"  # Among the origins.
_CHECKPOINT = re.compile(r"checkpoint(?:-(\d[\d.e+-]*))?")

Origins = Mapping[str, str]
"""Where the texts of each corpus come from, with their content's digest if they are the user's own.

So too of a tokenizer in a folder of the user's, and of the first weights, under names of their own."""


@dataclass(frozen=True)
class PretrainingFolder:
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

    def recorded(self, recipe: PretrainingRecipe, texts: Origins) -> PretrainingRecord | None:
        """The record of an earlier run of the same recipe on the same texts; None: there is none.

        Raises:
            UserError: What is there, or begun, is of another recipe or of other texts, with what differs; or a
                checkpoint is damaged.
        """
        if self.is_redone(recipe, texts):
            return None
        if (self.folder / FILE).exists():
            record = read_pretraining(self.folder / FILE)
            self._check([*settings_that_differ(record.config, recipe), *_moved(_origins(record), texts)], FILE)
            for name in sorted({path.partition("/")[0] for path in record.files}):
                check_files(self.folder, record.files, name)
            return record
        if self.state.exists():
            self._check(self._differences(recipe, texts), self.partial.name)
        return None

    def is_redone(self, recipe: PretrainingRecipe, texts: Origins) -> bool:
        """Whether work that replaces a result is under way, with this recipe on these texts."""
        return (self.partial / REDO).exists() and not self._differences(recipe, texts)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whether the place is this process's alone until the block ends."""
        with claimed(self.folder) as ours:
            yield ours

    def begin(self, recipe: PretrainingRecipe, texts: Origins, *, redo: bool) -> None:
        """Make the place for the work, without what an earlier attempt left of it: with `redo`, or if it differs.

        Work that was begun with `redo` is continued.
        """
        if self._differences(recipe, texts) or (redo and not self.is_redone(recipe, texts)):
            shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_atomically(self.partial / TEXTS, json.dumps(with_digest(texts)).encode())
        write_atomically(self.partial / CONFIG, json.dumps(with_digest(recipe.resolved())).encode())
        if redo:
            (self.partial / REDO).touch()

    def finish(self, record: PretrainingRecord, card: Callable[[PretrainingRecord, float], str]) -> None:
        """Move the work into place. An earlier result, or checkpoints that lost their record, go only now.

        Args:
            record: Of the run.
            card: The model card of the checkpoint that was kept after a share of the run.
        """
        check_claim(self.folder)
        for share, checkpoint in _checkpoints(self.partial):
            (checkpoint / "README.md").write_text(card(record, share), encoding="utf-8")
        if not (self.folder / FILE).exists():
            self._remove_checkpoints()
        write_pretraining(record.model_copy(update={"files": self._files()}), self.partial)
        self._move_into_place()

    def settle(self) -> None:
        """Go on with a move into place that was cut short, and remove what nothing goes on with.

        Whose place it is must have been claimed.
        """
        sweep_unfinished_writes(self.folder)
        if (self.partial / FILE).exists():
            self._move_into_place()
        elif (self.folder / FILE).exists() and not (self.partial / REDO).exists():
            shutil.rmtree(self.partial, ignore_errors=True)

    def _move_into_place(self) -> None:
        """Replace what stands in the folder, the record last, so that a move cut short can be resumed."""
        (self.partial / REDO).unlink(missing_ok=True)  # What is left of it from here on is the move.
        if (self.folder / FILE).exists():
            self._remove_checkpoints()
            (self.folder / FILE).unlink()
        for _, new in _checkpoints(self.partial):
            new.rename(self.folder / new.name)
        (self.partial / FILE).rename(self.folder / FILE)
        shutil.rmtree(self.partial)

    def _files(self) -> dict[str, str]:
        """The SHA-256 of each file of the new checkpoints."""
        return {
            f"{checkpoint.name}/{name}": digest
            for _, checkpoint in _checkpoints(self.partial)
            for name, digest in folder_digests(checkpoint, leave_out=("README.md",)).items()
        }

    def _remove_checkpoints(self) -> None:
        for _, old in _checkpoints(self.folder):
            shutil.rmtree(old)

    def _differences(self, recipe: PretrainingRecipe, texts: Origins) -> list[str]:
        """A line for all in which the work under way is not the recipe's on these texts."""
        begun, origins = self._begun(CONFIG), self._begun(TEXTS)
        return [*settings_that_differ(begun, recipe), *_moved(origins if isinstance(origins, dict) else {}, texts)]

    def _begun(self, name: str) -> Any:
        """What a file of the work under way says; None where it can't be read."""
        try:
            return without_digest(json.loads((self.partial / name).read_bytes()))
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def _check(self, lines: list[str], name: str) -> None:
        if lines:
            raise UserError(
                f"{self.folder / name}: started with another recipe or other texts. Use --redo to replace "
                "it, or another --runs folder.",
                *(f"    {line}" for line in lines),
            )


def _checkpoints(folder: Path) -> list[tuple[float, Path]]:
    """The checkpoints in a folder, and the share of the run after which each was kept."""
    found = [(_CHECKPOINT.fullmatch(path.name), path) for path in sorted(folder.glob("checkpoint*"))]
    return [(float(match[1] or 100) / 100, path) for match, path in found if match]


def _origins(record: PretrainingRecord) -> Origins:
    found = {name: facts["source"] for name, facts in record.corpus.get("corpora", {}).items()}
    tokenizer = record.corpus.get("tokenizer", {}).get("source")
    others = {TOKENIZER: tokenizer, WEIGHTS: record.corpus.get(WEIGHTS)}
    return found | {name: origin for name, origin in others.items() if origin is not None}


def weights_origin(recipe: PretrainingRecipe) -> dict[str, str]:
    """Which weights the recipe starts from, by their content; nothing where they are drawn.

    Raises:
        UserError: The checkpoint is not available.
    """
    if recipe.checkpoint is None:
        return {}
    return {WEIGHTS: f"{recipe.checkpoint}, SHA-256 {find_checkpoint(recipe.checkpoint).digest()[:16]}"}


def _moved(recorded: Origins, wanted: Origins) -> list[str]:
    """A line for each corpus whose texts come from elsewhere, for other first weights, and for another tokenizer.

    The tokenizer's origin is compared where one was recorded: earlier versions did not.
    """
    names = {*recorded, *wanted}
    lines = differences(
        _only(recorded, names - {TOKENIZER, WEIGHTS}), _only(wanted, names - {TOKENIZER, WEIGHTS}), "texts of "
    )
    lines += differences(_only(recorded, {WEIGHTS}), _only(wanted, {WEIGHTS}), "first ")
    if TOKENIZER in recorded:
        lines += differences({TOKENIZER: recorded[TOKENIZER]}, {TOKENIZER: wanted.get(TOKENIZER)})
    return lines


def _only(origins: Origins, names: Collection[str]) -> Origins:
    return {name: origin for name, origin in origins.items() if name in names}
