"""Measurement of a claim, unless it is recorded already."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.claims.claim import CLAIMS, Claim, Settings
from harness.claims.record import (
    ClaimRecord,
    read_claim,
    refuse_other_settings,
    settings_of,
    write_claim,
)
from harness.errors import UserError
from harness.record import RECORD, Provenance


def measured(
    name: str, settings: Settings, folder: Path, *, redo: bool = False, command: Sequence[str] = ()
) -> tuple[ClaimRecord, bool]:
    """Return the record of a claim's measurement; measure and record it first if there is none of the current runs.

    Args:
        name: The claim's name.
        settings: The claim's settings.
        folder: The study's folder, which contains the runs of its suites.
        redo: Whether to replace an existing record.
        command: The command line, for the record.

    Returns:
        The record, and whether it existed already.

    Raises:
        UserError: If it is recorded with other settings, or if runs that it reads are missing.
    """
    read = _digest_of_runs(settings, folder)
    known = None if redo else read_claim(folder, name)
    if known is not None:
        refuse_other_settings(known, settings, folder)
        if known.read == read:
            return known, True
    claim: Claim = CLAIMS.load(name)
    started, before = _now(), time.process_time()
    numbers = claim.measure(settings, folder)
    seconds = time.process_time() - before
    claim.judge(numbers)  # Numbers that can't be judged are not recorded, since every page of the study would fail.
    found = ClaimRecord(
        claim=name,
        settings=settings_of(settings),
        numbers=numbers.model_dump(mode="json"),
        read=read,
        processor_seconds=seconds,
        provenance=_provenance(started, command),
    )
    write_claim(found, folder)
    return found, False


def suite_folders(settings: Settings, folder: Path) -> list[Path]:
    """Return the folders with the runs of a claim's suites.

    Raises:
        UserError: If a suite has no runs there.
    """
    found = [folder / Path(suite).name.removesuffix(".toml") for suite in settings.read]
    for place in found:
        if not place.is_dir():
            raise UserError(f"{place}: no runs of this suite. Run the study, which makes them.")
    return found


def _digest_of_runs(settings: Settings, folder: Path) -> str:
    """Return a digest of the records that a claim reads: it is measured again if they change."""
    files = sorted(file for place in suite_folders(settings, folder) for file in place.rglob(RECORD))
    if not settings.read:
        return ""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _provenance(started: str, command: Sequence[str]) -> Provenance:
    from harness.ops.device import hardware  # noqa: PLC0415 -- torch
    from harness.training.provenance import git_state, package_versions  # noqa: PLC0415 -- only measuring needs it

    commit, dirty = git_state()
    return Provenance(
        packages=package_versions(),
        git_commit=commit,
        git_dirty=dirty,
        hardware=hardware(None),
        started=started,
        finished=_now(),
        command=tuple(command),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
