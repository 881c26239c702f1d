"""PretrainingFolder: the folder of one pretraining run, in which a result is either complete or absent.

    runs/pretraining/<name>/    checkpoint/  checkpoint-10/  checkpoint-30/  pretraining.json

Work is done in `.partial/` and then moved into place, the record last.
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

from harness.atomic_writes import sweep_unfinished_writes
from harness.checksums import check_files, folder_digests, without_digest, write_document
from harness.errors import UserError
from harness.models.checkpoint import find_checkpoint
from harness.pretraining.recipe import PretrainingRecipe, settings_that_differ
from harness.pretraining.record import FILE, PretrainingRecord, read_pretraining, write_pretraining
from harness.runs.claim import check_claim, claimed
from harness.runs.identity import differences
from harness.runs.run import REDO

CONFIG, TEXTS = "config.json", "texts.json"
TOKENIZER, WEIGHTS = "tokenizer", "weights"  # Keys of Origins, besides corpora.
_CHECKPOINT = re.compile(r"checkpoint(?:-(\d[\d.e+-]*))?")

Origins = Mapping[str, str]
"""The origin of each corpus's texts, with a digest of the content if they are the user's own.

Under `TOKENIZER` and `WEIGHTS`: the origin of a tokenizer in a local folder, and of the initial weights."""


@dataclass(frozen=True)
class PretrainingFolder:
    """The folder of a pretraining run.

    Attributes:
        folder: The path.
    """

    folder: Path

    @property
    def partial(self) -> Path:
        """The folder of unfinished work."""
        return self.folder / ".partial"

    @property
    def state(self) -> Path:
        """The folder of the training state of an unfinished run."""
        return self.partial / "state"

    def checkpoint(self, share: float) -> Path:
        """Return the folder for the checkpoint kept after `share` of the run."""
        return self.partial / ("checkpoint" if share == 1 else f"checkpoint-{share * 100:g}")

    def recorded(self, recipe: PretrainingRecipe, texts: Origins) -> PretrainingRecord | None:
        """Return the record of an earlier run of the same recipe on the same texts, or None.

        Raises:
            UserError: If a finished or unfinished run in the folder is of another recipe or other texts (with the
                differences), or if a checkpoint is damaged.
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
        """Return whether unfinished work of `--redo` exists for this recipe and these texts."""
        return (self.partial / REDO).exists() and not self._differences(recipe, texts)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Claim the folder for this process until the block ends; yield whether that succeeded."""
        with claimed(self.folder) as ours:
            yield ours

    def begin(self, recipe: PretrainingRecipe, texts: Origins, *, redo: bool) -> None:
        """Prepare the folder for the work; unfinished work is removed with `redo`, or if its recipe or texts differ.

        Unfinished work that was itself begun with `redo` is continued.
        """
        if self._differences(recipe, texts) or (redo and not self.is_redone(recipe, texts)):
            shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_document(self.partial / TEXTS, texts)
        write_document(self.partial / CONFIG, recipe.resolved())
        if redo:
            (self.partial / REDO).touch()

    def finish(self, record: PretrainingRecord, card: Callable[[PretrainingRecord, float], str]) -> None:
        """Move the work into place. Only now are an earlier result, or checkpoints without a record, removed.

        Args:
            record: The record of the run.
            card: Makes the model card of the checkpoint kept after a share of the run.
        """
        check_claim(self.folder)
        for share, checkpoint in _checkpoints(self.partial):
            (checkpoint / "README.md").write_text(card(record, share), encoding="utf-8")
        if not (self.folder / FILE).exists():
            self._remove_checkpoints()
        write_pretraining(record.model_copy(update={"files": self._files()}), self.partial)
        self._move_into_place()

    def settle(self) -> None:
        """Complete an interrupted move into place, and remove leftovers that no run will resume.

        The folder must be claimed by the caller.
        """
        sweep_unfinished_writes(self.folder)
        if (self.partial / FILE).exists():
            self._move_into_place()
        elif (self.folder / FILE).exists() and not (self.partial / REDO).exists():
            shutil.rmtree(self.partial, ignore_errors=True)

    def _move_into_place(self) -> None:
        """Replace the folder's content, the record last, so that an interrupted move can be completed."""
        (self.partial / REDO).unlink(missing_ok=True)  # From here on, only the move is unfinished.
        if (self.folder / FILE).exists():
            self._remove_checkpoints()
            (self.folder / FILE).unlink()
        for _, new in _checkpoints(self.partial):
            new.rename(self.folder / new.name)
        (self.partial / FILE).rename(self.folder / FILE)
        shutil.rmtree(self.partial)

    def _files(self) -> dict[str, str]:
        """Return the SHA-256 of each file of the new checkpoints, except model cards."""
        return {
            f"{checkpoint.name}/{name}": digest
            for _, checkpoint in _checkpoints(self.partial)
            for name, digest in folder_digests(checkpoint, leave_out=("README.md",)).items()
        }

    def _remove_checkpoints(self) -> None:
        for _, old in _checkpoints(self.folder):
            shutil.rmtree(old)

    def _differences(self, recipe: PretrainingRecipe, texts: Origins) -> list[str]:
        """List the differences of the unfinished work from the recipe and texts."""
        begun, origins = self._begun(CONFIG), self._begun(TEXTS)
        return [*settings_that_differ(begun, recipe), *_moved(origins if isinstance(origins, dict) else {}, texts)]

    def _begun(self, name: str) -> Any:
        """Read a JSON file of the unfinished work; None if it is unreadable."""
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
    """List the checkpoints in a folder, each with the share of the run after which it was kept."""
    found = [(_CHECKPOINT.fullmatch(path.name), path) for path in sorted(folder.glob("checkpoint*"))]
    return [(float(match[1] or 100) / 100, path) for match, path in found if match]


def _origins(record: PretrainingRecord) -> Origins:
    found = {name: facts["source"] for name, facts in record.corpus.get("corpora", {}).items()}
    tokenizer = record.corpus.get("tokenizer", {}).get("source")
    others = {TOKENIZER: tokenizer, WEIGHTS: record.corpus.get(WEIGHTS)}
    return found | {name: origin for name, origin in others.items() if origin is not None}


def weights_origin(recipe: PretrainingRecipe) -> dict[str, str]:
    """Return the origin of the recipe's initial weights, with a digest; empty if they are drawn at random.

    Raises:
        UserError: If the checkpoint is not available.
    """
    if recipe.checkpoint is None:
        return {}
    return {WEIGHTS: f"{recipe.checkpoint}, SHA-256 {find_checkpoint(recipe.checkpoint).digest()[:16]}"}


def _moved(recorded: Origins, wanted: Origins) -> list[str]:
    """List the corpora whose texts have another origin, other initial weights, and another tokenizer.

    The tokenizer's origin is compared only if it was recorded; earlier versions did not record it.
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
