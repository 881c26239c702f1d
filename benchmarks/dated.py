"""Result files: named by date and processor of the measurement, so results of different machines don't collide."""

from __future__ import annotations

import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.loops.tables import Table
from harness.ops.device import hardware
from harness.ops.native import unavailable

RESULTS = Path(__file__).parent / "results"


def dated_name() -> str:
    """Today and this machine's processor, as a file's name without its ending, such as 2026-11-25-amd-epyc."""
    processor = re.sub(r"\W+", "-", str(hardware(None)["processor"]).lower()).strip("-")
    return f"{date.today():%Y-%m-%d}-{processor}"


def machine_lines(command: str) -> list[str]:
    """What the numbers of a command were measured on."""
    machine = hardware(None)
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "accelerate"))
    return [
        f"Written by `{command}` on: {machine['processor']}, {machine['cores']} cores; {versions}.",
        f"Native kernels: {unavailable() or 'built'}.",
        "",
    ]


def write_table(table: Table, title: str, command: str, output: Path | None) -> None:
    """Write a table under a title, with what it was measured on.

    Args:
        table: The table.
        title: Of the file.
        command: That measured it: `python -m benchmarks.NAME`.
        output: The file; None for a dated one of results/NAME.
    """
    file = output or RESULTS / command.rpartition(".")[2] / f"{dated_name()}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([f"# {title}", "", *machine_lines(command), table.markdown()]), encoding="utf-8")
