"""The records below a folder, which may come from a stranger: unreadable ones are reported and don't hide others."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from harness.errors import UserError, collected
from harness.record import PREDICTIONS, RECORD, RunRecord, read_record


def _record_files(runs: Path, problems: list[str]) -> Iterator[Path]:
    """Yield every run.json below `runs`, in a stable order, except in folders whose names start with a dot.

    Links to folders are not followed. Links that lead out of `runs` or nowhere are added to `problems`, as are
    unreadable folders.
    """
    if not runs.exists():
        return
    whole = runs.resolve()

    def unread(error: OSError) -> None:
        problems.append(f"{error.filename}: can't be read ({error.strerror}).")

    for folder, folders, files in os.walk(runs, onerror=unread):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "checkpoint")
        paths = [Path(folder, name) for name in [*folders, *sorted(files)] if name != PREDICTIONS]
        for path in paths:
            if path.is_symlink() and not _leads_into(path, whole):
                problems.append(f"{path}: a link that leads outside {runs}, or nowhere. It is not followed.")
            elif path.name == RECORD:
                yield path


def _leads_into(link: Path, folder: Path) -> bool:
    return link.exists() and link.resolve().is_relative_to(folder)


def record_file(folder: Path) -> Path:
    """The record file of the run in a folder.

    Raises:
        UserError: If there is none; a run with a similar path is suggested.
    """
    if (folder / RECORD).is_file():
        return folder / RECORD
    if folder.name == RECORD and folder.is_file():
        raise UserError(f"{folder}: a run's record. Name its folder, {folder.parent}.")
    if not folder.is_dir():
        near = _nearly(folder)
        meant = f"Did you mean {near}?" if near is not None else "`harness runs ls` lists the runs."
        raise UserError(f"{folder}: no {'folder' if folder.exists() else 'such folder'}. {meant}")
    inside = [file.parent for file in _record_files(folder, [])]
    if inside:
        raise UserError(f"{folder}: no run, but a folder that holds {len(inside):,}. Name one, such as {inside[0]}.")
    raise UserError(f"{folder}: no {RECORD} here. Name the folder of one run; `harness runs ls` lists the runs.")


def _nearly(folder: Path) -> Path | None:
    """The folder of runs with the most similar path, if any."""
    found = Path(folder.anchor)
    for part in folder.parts[len(found.parts) :]:
        if not (found / part).is_dir():
            inside = [child.name for child in found.iterdir() if child.is_dir()] if os.access(found, os.R_OK) else []
            close = get_close_matches(part, inside, n=1)
            if not close:
                return None
            part = close[0]
        found /= part
    return found if next(_record_files(found, []), None) is not None else None


def readable_record(file: Path) -> RunRecord | None:
    """Read a record; None if there is none, or it is damaged, which whoever needs it reports."""
    try:
        return read_record(file)
    except UserError:
        return None


Found = tuple[Path, RunRecord]
"""A run: its folder and its record."""
Key = TypeVar("Key", bound=Hashable)


def grouped(found: Iterable[Found], key: Callable[[RunRecord], Key]) -> dict[Key, list[Found]]:
    """Group runs by a key of their records, in the order of each group's first run."""
    groups: dict[Key, list[Found]] = {}
    for folder, record in found:
        groups.setdefault(key(record), []).append((folder, record))
    return groups


def read_all_records(runs: Path) -> tuple[list[Found], list[Found], list[str]]:
    """Read the records below `runs` with their folders, trials separately, and a line for each unreadable one."""
    records: list[Found] = []
    problems: list[str] = []
    for file in _record_files(runs, problems):
        with collected(problems):
            records.append((file.parent, read_record(file)))
    seeds = [(folder, record) for folder, record in records if record.trial is None]
    trials = [(folder, record) for folder, record in records if record.trial is not None]
    return seeds, trials, problems


def read_records(runs: Path) -> tuple[list[Found], list[str]]:
    """Read the records below `runs` with their folders, without trials, and a line for each unreadable one."""
    seeds, _, problems = read_all_records(runs)
    return seeds, problems


def some_records(runs: Path) -> tuple[list[Found], list[str]]:
    """Read records like `read_records`; there must be at least one.

    Raises:
        UserError: If there is none.
    """
    records, problems = read_records(runs)
    if not records:
        raise UserError(*problems, f"{runs}: no records of runs there. Start some with `harness run SUITE`.")
    return records, problems
