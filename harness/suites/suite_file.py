"""suite.json: the information about a suite that reports need, in its folder of runs."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.atomic_writes import sweep_unfinished_writes, write_atomically
from harness.checksums import with_digest, without_digest
from harness.config.margin import Margins, margins_of
from harness.errors import UserError
from harness.record import RECORD
from harness.regular_files import read_json
from harness.suites.seeds import SeedRule
from harness.suites.suite import Suite

SUITE_FILE = "suite.json"
ADVICE = "Delete it, or run the suite again."
_KEYS = {"suite", "description", "baseline", "tasks", "models", "seeds", "sequential", "margin", "short_runs"}
_RULE = TypeAdapter(SeedRule)


def write_suite(suite: Suite, runs: Path) -> Path:
    """Write the information about the suite that reports need to its folder of runs, and return the folder.

    Raises:
        UserError: If the suite was started with other looks.
    """
    folder = runs / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    sweep_unfinished_writes(folder)
    content: dict[str, Any] = {
        "suite": suite.name,
        "description": suite.description,
        "baseline": suite.baseline,
        "tasks": suite.tasks,
        "models": list(suite.models),
        "seeds": suite.seeds,
    }
    rule = fixed_rule(suite, folder)
    if rule is not None:
        content["sequential"] = asdict(rule)
    if suite.margins is not None:
        content["margin"] = suite.margins.points if suite.margins.points is not None else dict(suite.margins.by_task)
    if suite.short_runs:
        content["short_runs"] = suite.short_runs
    written = json.dumps(with_digest(content)).encode()
    if not (folder / SUITE_FILE).is_file() or (folder / SUITE_FILE).read_bytes() != written:
        write_atomically(folder / SUITE_FILE, written)
    return folder


def fixed_rule(suite: Suite, folder: Path) -> SeedRule | None:
    """The looks of the suite: as fixed before its first run, or now.

    Args:
        suite: The suite.
        folder: The folder of its runs.

    Raises:
        UserError: If they were fixed differently, or the file is damaged.
    """
    fixed, wanted = stated_rule(folder, {suite.name}), suite.rule
    if fixed is None and wanted is not None:
        return replace(wanted, begun_with=len(list(folder.glob(f"*/*/seed-*/{RECORD}"))))
    if fixed is None or wanted is None or (fixed.seeds, fixed.looks) == (wanted.seeds, wanted.looks):
        return fixed
    raise UserError(
        f"{folder / SUITE_FILE}: looks after {_listed(fixed.looks)} seeds were fixed when the suite was started, but "
        f"now they would come after {_listed(wanted.looks)}. Looks that are chosen after results prove nothing: keep "
        "them, or start over in another --runs folder."
    )


def stated(runs: Path, suites: Collection[str]) -> tuple[str | None, str]:
    """The baseline of the suite with these runs, or None, and its description, which may be empty.

    Args:
        runs: The folder.
        suites: The suites of the runs; a file of another suite counts as damaged.

    Raises:
        UserError: If the file is damaged.
    """
    known = _content(runs / SUITE_FILE, suites)
    baseline, description = known.get("baseline"), known.get("description", "")
    if not (isinstance(baseline, str | None) and isinstance(description, str)):
        raise UserError(f"{runs / SUITE_FILE}: not as a suite writes it. {ADVICE}")
    return baseline, description


def stated_margins(runs: Path, suites: Collection[str]) -> Margins | None:
    """The margins of the suite with these runs, or None.

    Args:
        runs: The folder.
        suites: The suites of the runs; a file of another suite counts as damaged.

    Raises:
        UserError: If the file is damaged.
    """
    try:
        return margins_of(_content(runs / SUITE_FILE, suites).get("margin"))
    except ValueError as error:
        raise UserError(f"{runs / SUITE_FILE}: not as a suite writes it: margin: {error}. {ADVICE}") from error


def stated_short_runs(runs: Path, suites: Collection[str]) -> str:
    """What the runs of the suite are limited to, such as "at most 25 steps"; empty unless they were cut short.

    Args:
        runs: The folder.
        suites: The suites of the runs; a file of another suite counts as damaged.

    Raises:
        UserError: If the file is damaged.
    """
    known = _content(runs / SUITE_FILE, suites).get("short_runs", "")
    if not isinstance(known, str):
        raise UserError(f"{runs / SUITE_FILE}: short_runs: not as a suite writes it. {ADVICE}")
    return known


def stated_rule(runs: Path, suites: Collection[str]) -> SeedRule | None:
    """The looks of the suite with these runs; None if its number of seeds is fixed.

    Args:
        runs: The folder.
        suites: The suites of the runs; a file of another suite counts as damaged.

    Raises:
        UserError: If the file is damaged.
    """
    known = _content(runs / SUITE_FILE, suites).get("sequential")
    if known is None:
        return None
    try:
        return _RULE.validate_python(known)
    except ValidationError as error:
        raise UserError(f"{runs / SUITE_FILE}: sequential: not as a suite writes it. {ADVICE}") from error


def _content(file: Path, suites: Collection[str]) -> dict[str, Any]:
    if not os.path.lexists(file):
        return {}
    content = read_json(file, "note of a suite", ADVICE)
    known = content if isinstance(content, dict) else {"description": content}
    try:
        known = without_digest(known)
    except ValueError as error:
        raise UserError(f"{file}: not as a suite writes it: {error}. {ADVICE}") from error
    if strange := sorted({*known} - _KEYS):
        raise UserError(f"{file}: not as a suite writes it: it has {_listed(strange)}. {ADVICE}")
    if known.get("suite") not in [None, *suites]:
        raise UserError(f"{file}: left by the suite {known['suite']!r}, not by {_listed(sorted(suites))}. {ADVICE}")
    return known


def _listed(values: Sequence[int | str]) -> str:
    return ", ".join(map(str, values))
