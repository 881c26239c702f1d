"""suite.json: the information about a suite that reports need, in its folder of runs."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from harness.atomic_writes import sweep_unfinished_writes, write_atomically
from harness.checksums import with_digest, without_digest
from harness.config.checking import Strict
from harness.config.margin import Margins, margins_of
from harness.errors import UserError
from harness.record import RECORD
from harness.regular_files import read_json
from harness.suites.seeds import SeedRule
from harness.suites.suite import Suite

SUITE_FILE = "suite.json"
ADVICE = "Delete it, or run the suite again."


class Stated(Strict):
    """The content of suite.json; the defaults are those of suites that state nothing.

    Attributes:
        suite: The name of the suite.
        description: The question that it asks.
        baseline: The model that the others are compared with.
        tasks: The names of its tasks.
        models: The names of its models.
        seeds: Its seeds.
        sequential: The looks, if seeds are added until comparisons are decided.
        margin: The smallest differences that matter.
        short_runs: What its runs are limited to, such as "at most 25 steps"; empty unless they were cut short.
    """

    suite: str | None = None
    description: str = ""
    baseline: str | None = None
    tasks: Any = ()
    models: Any = ()
    seeds: Any = ()
    sequential: SeedRule | None = None
    margin: Annotated[Margins | None, BeforeValidator(margins_of)] = None
    short_runs: str = ""


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
    fixed, wanted = stated(folder, {suite.name}).sequential, suite.rule
    if fixed is None and wanted is not None:
        return replace(wanted, begun_with=len(list(folder.glob(f"*/*/seed-*/{RECORD}"))))
    if fixed is None or wanted is None or (fixed.seeds, fixed.looks) == (wanted.seeds, wanted.looks):
        return fixed
    raise UserError(
        f"{folder / SUITE_FILE}: looks after {_listed(fixed.looks)} seeds were fixed when the suite was started, but "
        f"now they would come after {_listed(wanted.looks)}. Looks that are chosen after results prove nothing: keep "
        "them, or start over in another --runs folder."
    )


def stated(runs: Path, suites: Collection[str]) -> Stated:
    """Read what is stated about the suite with these runs.

    Args:
        runs: The folder.
        suites: The suites of the runs; a file of another suite counts as damaged.

    Raises:
        UserError: If the file is damaged.
    """
    file = runs / SUITE_FILE
    if not os.path.lexists(file):
        return Stated()
    content = read_json(file, "note of a suite", ADVICE)
    try:
        found = Stated.model_validate(
            without_digest(content if isinstance(content, dict) else {"description": content})
        )
    except ValidationError as error:
        key = error.errors()[0]["loc"][0]
        raise UserError(f"{file}: {key}: not as a suite writes it. {ADVICE}") from error
    except ValueError as error:
        raise UserError(f"{file}: not as a suite writes it: {error}. {ADVICE}") from error
    if found.suite not in [None, *suites]:
        raise UserError(f"{file}: left by the suite {found.suite!r}, not by {_listed(sorted(suites))}. {ADVICE}")
    return found


def _listed(values: Sequence[int | str]) -> str:
    return ", ".join(map(str, values))
