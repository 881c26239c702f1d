"""Recorded runs as folders: to list, to remove, to bring together with those of another machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from harness.atomic_writes import write_atomically
from harness.errors import UserError, collected
from harness.record import RECORD, RunRecord, read_record
from harness.records import read_all_records, record_file
from harness.runs.claim import claimed
from harness.runs.identity import run_differences
from harness.suites.suite_file import SUITE_FILE


@dataclass(frozen=True)
class Recorded:
    """A run on record.

    Attributes:
        folder: Where it lies.
        record: What is on record.
    """

    folder: Path
    record: RunRecord

    @property
    def is_complete(self) -> bool:
        """Whether it ended with a result, of which a trial has none but its scores."""
        return self.record.status == "complete" and self.record.trial is None

    @property
    def bytes(self) -> int:
        """What it takes on the disk, its checkpoint included."""
        return sum(file.lstat().st_size for file in _files(self.folder))

    @property
    def main_score(self) -> float | None:
        """Its test score by the main metric; of a run without one, that of validation; None: it has neither."""
        for split in ("test", "validation"):
            score = self.record.scores.get(split, {}).get(self.record.task_card.main_metric)
            if score is not None:
                return score
        return None

    def row(self) -> dict[str, object]:
        """What a list of runs says of it."""
        record = self.record
        return {
            "suite": record.suite, "task": record.task, "model": record.model, "seed": record.seed,
            "fold": None if record.fold is None else record.fold.number,
            "trial": None if record.trial is None else record.trial.number,
            "status": record.status, "metric": record.task_card.main_metric, "score": self.main_score,
            "seconds": sum(record.cost.seconds.values()), "bytes": self.bytes, "folder": str(self.folder),
        }  # fmt: skip


def recorded_run(folder: Path) -> Recorded:
    """The run in a folder.

    Raises:
        UserError: There is none, or its record is damaged.
    """
    return Recorded(folder, read_record(record_file(folder)))


def recorded_runs(runs: Path) -> tuple[list[Recorded], list[str]]:
    """The runs on record below `runs`, trials last, and a line for each that can't be read."""
    seeds, trials, problems = read_all_records(runs)
    return [Recorded(folder, record) for folder, record in (*seeds, *trials)], problems


def remove(runs: Iterable[Recorded]) -> Iterator[Path]:
    """Remove runs, one after the other; each folder is given when it is gone.

    Raises:
        UserError: Another command is at work on one. Those before it are gone.
    """
    for run in runs:
        with claimed(run.folder) as ours:
            if not ours:
                raise UserError(f"{run.folder}: another command is running it. Wait until it ends, then try again.")
            (run.folder / RECORD).unlink()  # First: without it nothing takes the rest for a result.
            shutil.rmtree(run.folder)
        for parent in (
            run.folder.parent,
            run.folder.parent.parent,
        ):  # The model's and the task's, where they are empty.
            with suppress(OSError):
                parent.rmdir()
        yield run.folder


TASK_TO_SEED, TASK_TO_TRIAL = 3, 4
"""Folders of a run from its task's on: task, model, seed; task, model, trials, trial."""


@dataclass
class Merged:
    """What became of the runs that were to be brought together.

    Attributes:
        copied: Folders that are new.
        known: How many were already there.
    """

    copied: list[Path]
    known: int


def merge(source: Path, target: Path) -> Merged:
    """Copy the runs below `source` into `target`, each whole or not at all. What is there already stays.

    A run that failed gives way to one that did not.

    Raises:
        UserError: There is none; or a run is there already, with other settings. Nothing is copied then.
    """
    found, problems = recorded_runs(source)
    if not found:
        raise UserError(*problems, f"{source}: no records of runs there. Name the folder that holds them.")
    if target.resolve() == source.resolve():
        raise UserError(f"{target}: the same folder as {source}. Name two.")
    merged, wanted = Merged([], 0), []
    notes: dict[Path, Path] = {}
    for run in found:
        own = _suite_folder(run, source)
        place = target / run.record.suite / run.folder.relative_to(own)
        notes[own / SUITE_FILE] = target / run.record.suite / SUITE_FILE
        with collected(problems):
            if _is_known(run, place):
                merged.known += 1
            else:
                wanted.append((run.folder, place))
    if problems:
        raise UserError(*problems, "Nothing was copied.")
    for folder, place in wanted:
        _copy(folder, place)
        merged.copied.append(place)
    for note, place in notes.items():
        if note.is_file() and not place.exists():
            write_atomically(place, note.read_bytes())
    return merged


def _suite_folder(run: Recorded, source: Path) -> Path:
    """The folder of the run's suite: the last of its name on the way down to its task's folder, else `source`.

    The task's may have the same name, as where a suite was made of one file.
    """
    depth = TASK_TO_SEED if run.record.trial is None else TASK_TO_TRIAL
    above = [folder for folder in run.folder.parents[depth - 1 :] if folder.is_relative_to(source)]
    return next((folder for folder in above if folder.name == run.record.suite), source)


def _is_known(run: Recorded, place: Path) -> bool:
    """Whether the run is there already.

    Raises:
        UserError: Another one is.
    """
    if not (place / RECORD).is_file():
        return False
    there = read_record(place / RECORD)
    lines = run_differences(there.config, run.record.config)
    if lines:
        raise UserError(f"{place}: there with other settings than {run.folder} ({'; '.join(lines)}).")
    return there.status != "failed" or run.record.status == "failed"


def _copy(folder: Path, place: Path) -> None:
    """Copy a run beside its place, then move it there: what stands there is whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.parent / f".{place.name}.{uuid4().hex[:8]}"
    try:
        shutil.copytree(folder, beside, symlinks=True, ignore=shutil.ignore_patterns(".*"))
        if place.exists():
            shutil.rmtree(place)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)
