"""suite.json: what a report wants to know of a suite, in its folder of runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.checksums import with_digest, without_digest
from harness.errors import UserError
from harness.record import sweep_unfinished_writes, write_atomically
from harness.regular_files import read_json
from harness.suites.suite import Suite

SUITE_FILE = "suite.json"


def write_suite(suite: Suite, runs: Path) -> Path:
    """Write what a report wants to know of the suite into its folder of runs, and return that folder."""
    folder = runs / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    sweep_unfinished_writes(folder)
    content = {
        "description": suite.description,
        "baseline": suite.baseline,
        "tasks": suite.tasks,
        "models": list(suite.models),
        "seeds": suite.seeds,
    }
    written = json.dumps(with_digest(content)).encode()
    if not (folder / SUITE_FILE).is_file() or (folder / SUITE_FILE).read_bytes() != written:
        write_atomically(folder / SUITE_FILE, written)
    return folder


def stated(runs: Path) -> tuple[str | None, str]:
    """The baseline that the suite with these runs states, or None, and its description, which may be empty.

    Raises:
        UserError: What `write_suite` wrote was damaged since.
    """
    file, advice = runs / SUITE_FILE, "Delete it, or run the suite again."
    if not os.path.lexists(file):
        return None, ""
    content = read_json(file, "note of a suite", advice)
    known = content if isinstance(content, dict) else {"description": content}
    try:
        known = without_digest(known)
    except ValueError as error:
        raise UserError(f"{file}: not what a suite left: {error}. {advice}") from error
    baseline, description = known.get("baseline"), known.get("description", "")
    if not (isinstance(baseline, str | None) and isinstance(description, str)):
        raise UserError(f"{file}: not what a suite leaves. {advice}")
    return baseline, description
