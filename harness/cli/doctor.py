"""`harness doctor`: check that this machine has what runs need."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import Request, urlopen

import typer
from packaging.requirements import Requirement

from harness.cache import cache_folder
from harness.cli.app import FAILED, RUNS, app
from harness.cli.options import JsonOption, RunsOption
from harness.comparison.formatting import memory
from harness.environment import prepare_libraries
from harness.output import console, json_text, plain_table
from harness.version import __version__

HUB_SECONDS = 5.0
LITTLE_DISK, LITTLE_MEMORY = 5e9, 2e9
PACKAGE = "finetune-harness"
MARKS = {"ok": "✓", "note": "–", "problem": "✗"}


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        what: The subject in a word or two.
        state: "ok"; "note": runs work, but slower or without something; "problem": some runs can't work.
        said: The result, and what to do if it is not as it should be.
    """

    what: str
    state: Literal["ok", "note", "problem"]
    said: str


@app.command(epilog="Example: harness doctor")
def doctor(
    runs: RunsOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Check that this machine has what runs need: versions, devices, kernels, cache, disk, the Hub."""
    prepare_libraries()
    found = []
    table = plain_table("", "", "")
    for finding in findings(runs):
        found.append(finding)
        table.add_row(MARKS[finding.state], finding.what, finding.said)
    if as_json:
        typer.echo(json_text([asdict(finding) for finding in found]))
    else:
        console().print(table)
    if any(finding.state == "problem" for finding in found):
        raise typer.Exit(FAILED)


def findings(runs: Path) -> Iterator[Finding]:
    """Yield the findings; `runs` is the folder for the records."""
    yield Finding("harness", "ok", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield from _versions()
    yield from _devices()
    yield _disk("runs", runs.absolute())
    yield _disk("cache", cache_folder("texts"))
    yield _disk("temporary files", Path(tempfile.gettempdir()))
    yield _hub()


def _versions() -> Iterator[Finding]:
    """One line for all packages, or one for each that is missing or of an unsupported version."""
    try:
        needs = requires(PACKAGE) or ()
    except PackageNotFoundError:
        said = "versions can't be checked, because the harness is not installed. Run: pip install -e ."
        yield Finding("packages", "note", said)
        return
    wrong, known = [], []
    for line in needs:
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(needed.name)
        except PackageNotFoundError:
            wrong.append(Finding(needed.name, "problem", f"missing. Run: pip install '{needed}'"))
            continue
        known.append(f"{needed.name} {there}")
        if not needed.specifier.contains(there, prereleases=True):
            wrong.append(
                Finding(
                    needed.name, "problem", f"{there}, but {needed.specifier} is needed. Run: pip install '{needed}'"
                )
            )
    main = [name for name in known if name.split()[0] in ("torch", "transformers", "accelerate", "datasets")]
    yield from wrong or [Finding("packages", "ok", f"{', '.join(main)}; {len(known)} in all")]


def _devices() -> Iterator[Finding]:
    try:
        import torch  # noqa: PLC0415 -- heavy

        from harness.ops import native  # noqa: PLC0415 -- heavy
        from harness.ops.device import actual_precision, hardware  # noqa: PLC0415 -- heavy
    except Exception as error:  # A broken installation may raise anything.
        yield Finding("torch", "problem", f"can't be imported ({error}). Install it again.")
        return
    facts = hardware(None)
    size = float(facts["memory_bytes"])
    counted = [f"{facts[noun]} {noun[:-1] if facts[noun] == 1 else noun}" for noun in ("cores", "threads")]
    said = f"{facts['processor']}, {', '.join(counted)}, {memory(size)} of memory"
    yield Finding("processor", "ok" if size > LITTLE_MEMORY else "note", said)
    for number in range(torch.cuda.device_count()):
        facts_of = torch.cuda.get_device_properties(number)
        yield Finding(f"GPU {number}", "ok", f"{facts_of.name}, {memory(facts_of.total_memory)}")
    yield Finding("precision", "ok", f"{actual_precision('auto')}, unless a recipe sets it")
    reason = native.unavailable()
    yield Finding("kernels", "note" if reason else "ok", reason or "compiled for this processor")


def _disk(what: str, folder: Path) -> Finding:
    """Check that files can be written at `folder`, which need not exist yet."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        return Finding(what, "problem", f"{folder}: not writable. Use another folder, or change its permissions.")
    free = shutil.disk_usage(there).free
    little = ": little; a checkpoint takes several hundred megabytes" if free < LITTLE_DISK else ""
    return Finding(what, "note" if little else "ok", f"{folder}, {memory(float(free))} free{little}")


def _hub() -> Finding:
    from huggingface_hub import constants  # noqa: PLC0415 -- heavy

    if constants.HF_HUB_OFFLINE:
        return Finding("Hub", "note", "switched off by HF_HUB_OFFLINE; only what is on this machine can be used")
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=HUB_SECONDS):
            return Finding("Hub", "ok", f"{constants.ENDPOINT} answers")
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Finding(
            "Hub", "note", f"{constants.ENDPOINT} does not answer ({reason}); only what is on this machine can be used"
        )
