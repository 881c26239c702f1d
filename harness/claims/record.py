"""Records of a study and of its claims' measurements, as JSON with a checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.checksums import without_digest, write_document
from harness.claims.claim import CLAIMS, Numbers, Settings
from harness.claims.study import Study
from harness.errors import UserError
from harness.folders import STUDY_FILE
from harness.record import Provenance
from harness.regular_files import read_json

AGAIN = "Remove the file to measure it again (its runs are kept), or name another --runs folder."


class ClaimRecord(BaseModel):
    """The record of a claim's measurement.

    Attributes:
        claim: The claim's name.
        settings: The settings of the measurement.
        numbers: The measured numbers.
        read: Digest of the records of the runs that were read; empty if the claim reads none.
        processor_seconds: Processor seconds of the measurement, without the suites' runs.
        provenance: Versions, commit, hardware and times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: Literal[1] = 1
    claim: str
    settings: dict[str, Any]
    numbers: dict[str, Any]
    read: str = ""
    processor_seconds: float
    provenance: Provenance


class StudyRecord(BaseModel):
    """The record of a study: its name, its question, and the names of its claims in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    description: str
    claims: tuple[str, ...]


def write_study(study: Study, folder: Path) -> None:
    """Record the study in its folder, for the page."""
    folder.mkdir(parents=True, exist_ok=True)
    found = StudyRecord(study=study.name, description=study.description, claims=tuple(study.claims))
    _write(folder / STUDY_FILE, found)


def is_study(folder: Path) -> bool:
    """Return whether the folder has the records of a study."""
    return (folder / STUDY_FILE).is_file()


def refuse_study(folder: Path) -> None:
    """Check that a suite's folder is not that of a study.

    Raises:
        UserError: If it is one.
    """
    if is_study(folder):
        raise UserError(f"{folder}: has what a study measured. Rename the suite, or name another --runs folder.")


def read_study_record(folder: Path) -> StudyRecord:
    """Read the record of the study in `folder`.

    Raises:
        UserError: If it is damaged, or has an unknown claim.
    """
    file = folder / STUDY_FILE
    try:
        found = StudyRecord.model_validate(_read(file, "note of a study", "Run the study again."))
    except ValidationError as error:
        raise UserError(f"{file}: not as a study writes it. Run the study again.") from error
    unknown = [name for name in found.claims if name not in CLAIMS.names()]
    if unknown:
        raise UserError(f"{file}: {', '.join(unknown)}: no such claim here. Use the version that measured it.")
    return found


def write_claim(record: ClaimRecord, folder: Path) -> None:
    """Write the record of a claim to the study's folder."""
    _write(_file(folder, record.claim), record)


def read_claim(folder: Path, name: str) -> ClaimRecord | None:
    """Read the record of a claim; None if there is none.

    Raises:
        UserError: If it is damaged, of another version, or of another claim.
    """
    file = _file(folder, name)
    if not file.exists():
        return None
    content = _read(file, "record of a claim", AGAIN)
    try:
        found = ClaimRecord.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{file}: not a record of a claim that this version reads. {AGAIN}") from error
    if found.claim != name:
        raise UserError(f"{file}: a record of the claim {found.claim}. {AGAIN}")
    return found


def numbers_of(record: ClaimRecord, folder: Path) -> Numbers:
    """Validate the measured numbers.

    Raises:
        UserError: If they are not valid numbers of the claim.
    """
    numbers: type[Numbers] = CLAIMS.load(record.claim).numbers
    try:
        return numbers.model_validate(record.numbers)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(
            f"{_file(folder, record.claim)}: numbers.{where}: {error.errors()[0]['msg']}. {AGAIN}"
        ) from error


def other_settings(record: ClaimRecord, settings: Settings) -> str:
    """Describe the differences of the recorded settings from `settings`; empty if there are none."""
    # Earlier versions recorded an empty list of suites where a claim reads none.
    asked, there = (
        {key: one for key, one in found.items() if one != []} for found in (settings_of(settings), record.settings)
    )
    differing = sorted(key for key in {*asked, *there} if asked.get(key) != there.get(key))
    return ", ".join(f"{key} {there.get(key)} there, {asked.get(key)} asked for" for key in differing)


def refuse_other_settings(record: ClaimRecord, settings: Settings, folder: Path) -> None:
    """Check that a claim was measured with these settings.

    Raises:
        UserError: If settings differ, with the differences.
    """
    differing = other_settings(record, settings)
    if differing:
        raise UserError(f"{_file(folder, record.claim)}: measured with other settings ({differing}). {AGAIN}")


def settings_of(settings: Settings) -> dict[str, Any]:
    """Return the settings as recorded: suites by file name, without their folders."""
    found: dict[str, Any] = settings.model_dump(mode="json")
    return found | ({"suites": [Path(suite).name for suite in settings.read]} if settings.read else {})


def _file(folder: Path, claim: str) -> Path:
    return folder / f"{claim}.json"


def _write(file: Path, content: BaseModel) -> None:
    write_document(file, json.loads(content.model_dump_json()))


def _read(file: Path, noun: str, advice: str) -> Mapping[str, Any]:
    content = read_json(file, noun, advice)
    try:
        return without_digest(content if isinstance(content, dict) else {})
    except ValueError as error:
        raise UserError(f"{file}: damaged, or changed by hand ({error}). {advice}") from error
