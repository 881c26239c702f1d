"""Recorded runs as folders: list, remove and merge them."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from harness.atomic_writes import write_atomically
from harness.errors import UserError, collected
from harness.folders import STUDY_FILE
from harness.record import RECORD, RunRecord, read_record
from harness.records import read_all_records, record_file
from harness.regular_files import read_json
from harness.runs.claim import claimed
from harness.runs.identity import run_differences
from harness.runs.run import PARTIAL, STATE
from harness.suites.expansion import folder_name
from harness.suites.folds import seed_folder
from harness.suites.suite_file import SUITE_FILE
from harness.tuning.trials import trial_folder


@dataclass(frozen=True)
class Recorded:
    """A recorded run.

    Attributes:
        folder: Its folder.
        record: Its record.
    """

    folder: Path
    record: RunRecord

    @property
    def is_complete(self) -> bool:
        """Whether it has a result; trials only have scores."""
        return self.record.status == "complete" and self.record.trial is None

    @property
    def bytes(self) -> int:
        """Its size on disk, including the checkpoint."""
        return sum(_sizes(self.folder))

    @property
    def result_bytes(self) -> int:
        """The same without work in progress that is to replace it."""
        return sum(_sizes(self.folder, without=PARTIAL))

    @property
    def main_score(self) -> float | None:
        """Its test score by the main metric, else the validation score; None if there is no such number."""
        for split in ("test", "validation"):
            score = self.record.scores.get(split, {}).get(self.record.task_card.main_metric)
            if score is not None and math.isfinite(score):  # A masked language model has no perplexity: it is NaN.
                return score
        return None

    def row(self) -> dict[str, object]:
        """Its row in a list of runs."""
        record = self.record
        return {
            "suite": record.suite, "task": record.task, "model": record.model, "seed": record.seed,
            "fold": None if record.fold is None else record.fold.number,
            "trial": None if record.trial is None else record.trial.number,
            "status": record.status, "metric": record.task_card.main_metric, "score": self.main_score,
            "seconds": record.cost.total_seconds, "bytes": self.bytes, "folder": str(self.folder),
        }  # fmt: skip


def recorded_run(folder: Path) -> Recorded:
    """Read the run in a folder.

    Raises:
        UserError: If there is none, or its record is damaged.
    """
    return Recorded(folder, read_record(record_file(folder)))


def recorded_runs(runs: Path) -> tuple[list[Recorded], list[str]]:
    """Read the runs below `runs`, trials last, with a line for each unreadable one."""
    seeds, trials, problems = read_all_records(runs)
    return [Recorded(folder, record) for folder, record in (*seeds, *trials)], problems


def remove(runs: Iterable[Recorded]) -> Iterator[Path]:
    """Remove runs one after the other, and yield each folder once it is removed.

    Raises:
        UserError: If another command is executing one. Those before it are removed.
    """
    for run in runs:
        with claimed(run.folder) as ours:
            if not ours:
                raise UserError(f"{run.folder}: another command is running it. Wait until it ends, then try again.")
            (run.folder / RECORD).unlink()  # First, so that the rest does not count as a result.
            shutil.rmtree(run.folder)
        for parent in (run.folder.parent, run.folder.parent.parent):  # Of the model and the task.
            with suppress(OSError):  # Not empty.
                parent.rmdir()
        yield run.folder


@dataclass
class Merged:
    """The result of merging runs.

    Attributes:
        copied: The new folders.
        known: Number of runs that were already there.
        notes: The new files of suites and studies.
    """

    copied: list[Path]
    known: int
    notes: list[Path]


def merge(source: Path, target: Path) -> Merged:
    """Copy the runs below `source` into `target`, each completely or not at all. Existing runs stay.

    Each goes to the folder in which its suite, or the study of its suite, looks for it, wherever in `source` it is. A
    failed run is replaced by one that did not fail. The notes of suites and the records of studies come along.

    Raises:
        UserError: If there are neither runs nor a study, a suite or study is not named like a folder, or a run exists
            with other settings, there or in `source` itself: nothing is copied then. If another command is executing a
            run: those before it are copied.
    """
    found, problems = recorded_runs(source)
    studies = [file.parent for file in (source / STUDY_FILE, *source.glob(f"*/{STUDY_FILE}")) if file.is_file()]
    if not found and not studies:
        raise UserError(*problems, f"{source}: no records of runs there. Name the folder that holds them.")
    if target.resolve() == source.resolve():
        raise UserError(f"{target}: the same folder as {source}. Name two different ones.")
    wanted: dict[Path, Recorded] = {}
    notes: dict[Path, Path] = {}
    for study in studies:
        with collected(problems):
            notes |= _notes_of_study(study, target)
    for run in found:
        with collected(problems):
            parts = _parts(run.record)
            there = run.folder.joinpath(*[".."] * len(parts)).resolve()
            suite = _place_of_suite(run, there.parent, target)
            notes |= {suite / SUITE_FILE: there / SUITE_FILE}
            if (there.parent / STUDY_FILE).is_file():
                notes |= _notes_of_study(there.parent, target)
            place = suite.joinpath(*parts)
            if not _is_known(run, place, wanted.get(place)):
                wanted[place] = run
    if problems:
        raise UserError(*dict.fromkeys(problems), "Nothing was copied.")
    copied = [place for place, run in wanted.items() if _copied(run, place)]
    new = {place: note for place, note in notes.items() if note.is_file() and not place.exists()}
    for place, note in new.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, note.read_bytes())
    return Merged(copied, len(found) - len(copied), list(new))


def _place_of_suite(run: Recorded, above: Path, target: Path) -> Path:
    """The folder in `target` for the suite of a run, which may belong to the study whose records are in `above`.

    Raises:
        UserError: If the suite or the study is not named like a folder.
    """
    if (above / STUDY_FILE).is_file():
        target = _place_of_study(above, target)
    return target / _folder(run.record.suite, f"{run.folder / RECORD}: suite")


def _place_of_study(study: Path, target: Path) -> Path:
    """The folder in `target` for the study with its records in `study`; `target` itself if that is a study's folder.

    Raises:
        UserError: If the study is not named like a folder.
    """
    if (target / STUDY_FILE).is_file():
        return target
    file = study / STUDY_FILE
    content = read_json(file, "note of a study", "Run the study again.")
    return target / _folder(content.get("study") if isinstance(content, dict) else None, f"{file}: study")


def _notes_of_study(study: Path, target: Path) -> dict[Path, Path]:
    """The records of a study, by their places in `target`."""
    place = _place_of_study(study, target)
    return {place / file.name: file for file in study.glob("*.json")}


def _folder(name: object, where: str) -> str:
    """Check that a name is that of a folder, as a path from a file must not lead elsewhere.

    Raises:
        UserError: If it is not.
    """
    if not isinstance(name, str) or name in ("", "..") or Path(name).name != name:
        raise UserError(f"{where}: must be the name of a folder (got {name!r}). Don't merge files that were changed.")
    return name


def _parts(record: RunRecord) -> tuple[str, ...]:
    """The folders of a run below that of its suite: task, model, seed; or task, model, trials, trial."""
    task, model = folder_name(record.base_task), folder_name(record.model)
    of_value = task if record.varied is None else record.varied.with_task(task)
    if record.trial is not None:
        return (of_value, model, *trial_folder(record.trial.number).parts)
    return of_value, model, seed_folder(record.seed, record.fold)


def _is_known(run: Recorded, place: Path, first: Recorded | None = None) -> bool:
    """Return whether the run exists already, or is a failure where there is saved work.

    Args:
        run: The run.
        place: Its folder in the target.
        first: Another run for the same folder, which comes first.

    Raises:
        UserError: If another one does.
    """
    there = first or (Recorded(place, read_record(place / RECORD)) if (place / RECORD).is_file() else None)
    if there is None:
        return run.record.status == "failed" and (place / PARTIAL / STATE).exists()
    lines = run_differences(there.record.config, run.record.config)
    if lines:
        raise UserError(f"{there.folder}: already there, with other settings than {run.folder} ({'; '.join(lines)}).")
    return there.record.status != "failed" or run.record.status == "failed"


def _copied(run: Recorded, place: Path) -> bool:
    """Copy a run, unless another command has recorded it meanwhile.

    Raises:
        UserError: If another command is executing it.
    """
    with claimed(place) as ours:
        if not ours:
            raise UserError(f"{place}: another command is running it. Wait until it ends, then merge again.")
        is_new = not _is_known(run, place)
        if is_new:
            _copy(run.folder, place)
    return is_new


def _copy(folder: Path, place: Path) -> None:
    """Copy a run next to its place, then move it there, so that it is always complete."""
    beside = place.parent / f".{place.name}.{uuid4().hex[:8]}"
    try:
        shutil.copytree(folder, beside, symlinks=True, ignore=shutil.ignore_patterns(".*"))
        shutil.rmtree(place)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sizes(folder: Path, without: str = "") -> Iterator[int]:
    """The sizes of the files below a folder; those that another command removes meanwhile are left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != without]
        for name in names:
            with suppress(FileNotFoundError):
                yield Path(parent, name).lstat().st_size
