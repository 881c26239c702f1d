"""Commands about recorded runs: `harness runs ls`, `show`, `rm`, `merge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from harness.cli.app import MISTAKE, RUNS, STOPPED, app
from harness.cli.options import JsonOption
from harness.comparison.formatting import NOTHING, duration, memory
from harness.counted import counted
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.output import console, json_text, plain_table, say
from harness.suites.recorded import Recorded, merge, recorded_run, recorded_runs, remove

recorded = typer.Typer(no_args_is_help=True, help="List, show, remove and merge recorded runs.")
app.add_typer(recorded, name="runs")


@recorded.command("ls", epilog="Example: harness runs ls runs/demo --json")
def list_runs(
    runs: Annotated[Path, typer.Argument(help="A folder of runs.")] = RUNS, as_json: JsonOption = False
) -> None:
    """List recorded runs."""
    if not runs.exists():
        raise UserError(f"{runs}: no such folder. Check the path, or start some runs with `harness run SUITE`.")
    found, problems = recorded_runs(runs)
    if as_json:
        typer.echo(json_text([run.row() for run in found]))
    else:
        console().print(_table(found))
        console().print(f"{counted(len(found), 'run')}, {memory(sum(run.bytes for run in found))}.")
    if _told(problems):
        raise typer.Exit(MISTAKE)


def _told(problems: list[str]) -> list[str]:
    """The same, said."""
    for line in problems:
        console(stderr=True).print(line, style="red", soft_wrap=True)
    return problems


def _table(found: list[Recorded]) -> Table:
    table = plain_table("suite", "task", "model", "seed", "status", "score", "time", "disk")
    for run in found:
        row, score = run.row(), run.main_score
        shown = NOTHING if score is None else unit_of(run.record.task_card.main_metric).score(score)
        seconds, size = duration(run.record.cost.total_seconds), memory(run.bytes)
        names = [str(row[name]) for name in ("suite", "task", "model")]
        which = run.record.which.removeprefix("seed ")
        table.add_row(*names, which, run.record.status, shown, seconds, size)
    return table


@recorded.command("show", epilog="Example: harness runs show runs/demo/boolq/minilm/seed-0")
def show_run(run: Annotated[Path, typer.Argument(help="The folder of one run.")], as_json: JsonOption = False) -> None:
    """Show a run: its scores, settings, cost, and where it came from."""
    found = recorded_run(run)
    if as_json:
        typer.echo(json_text(json.loads(found.record.model_dump_json())))
        return
    shown = console()
    record = found.record
    shown.print(f"{record.suite} · {record.task} · {record.model} · {record.which}: {record.status}", style="bold")
    for line in [record.reason] if record.reason else []:
        say(shown, line)
    for title, rows in _parts(found):
        table = plain_table("", "", title=title)
        for name, value in rows:
            table.add_row(name, value)
        if rows:
            shown.print(table, "")
    for note in record.notes:
        say(shown, f"note: {note}")


def _parts(found: Recorded) -> list[tuple[str, list[tuple[str, str]]]]:
    record = found.record
    scores = [
        (f"{split} {name}", unit_of(name).score(value))
        for split, metrics in record.scores.items()
        for name, value in metrics.items()
    ]
    cost = [
        *((f"{part} time", duration(seconds)) for part, seconds in record.cost.seconds.items()),
        ("peak memory", memory(record.cost.peak_memory_bytes or None)),
        ("disk", memory(found.bytes)),
    ]
    provenance = record.provenance
    origin = [
        ("command", " ".join(["harness", *provenance.command]) if provenance.command else NOTHING),
        ("started", provenance.started or NOTHING),
        ("data", provenance.data_digest or NOTHING),
        ("checkpoint", provenance.checkpoint_digest or NOTHING),
    ]
    return [("scores", scores), ("settings", list(_settings(record.config))), ("cost", cost), ("origin", origin)]


def _settings(config: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The settings, a row for each key, without empty ones."""
    rows: list[tuple[str, str]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            rows += _settings(value, f"{prefix}{key}.")
        elif value not in (None, "", [], ()):
            rows.append((f"{prefix}{key}", str(value)))
    return rows


@recorded.command("rm", epilog="Example: harness runs rm runs/demo/boolq/minilm/seed-0")
def remove_runs(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs, or folders that contain some.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove runs and their checkpoints for good."""
    read = [recorded_runs(folder) for folder in folders]
    found = list({run.folder.resolve(): run for runs, _ in read for run in runs}.values())
    _told([line for _, problems in read for line in problems])
    if not found:
        raise UserError(f"{', '.join(map(str, folders))}: no recorded runs there. Nothing was removed.")
    _agreed(found, yes=yes, as_json=as_json)
    removed = []
    for folder in remove(found):
        removed.append(str(folder))
        if not as_json:
            console().print(f"removed {folder}", soft_wrap=True)
    if as_json:
        typer.echo(json_text({"removed": removed}))


def _agreed(found: list[Recorded], *, yes: bool, as_json: bool) -> None:
    """Ask the user whether to continue.

    Raises:
        UserError: If there is nobody to ask: the output is JSON, for a program, or the input has ended.
        typer.Exit: If the user declines.
    """
    if yes:
        return
    if as_json:
        raise UserError("harness runs rm --json: can't ask for confirmation. Add --yes to remove the runs for good.")
    console().print(_table(found))
    size = memory(sum(run.bytes for run in found))
    try:
        agreed = typer.confirm(f"Remove {counted(len(found), 'run')} ({size}) for good?")
    except typer.Abort as stopped:
        if not isinstance(stopped.__context__, EOFError):
            raise
        raise UserError("harness runs rm: no answer to read. Add --yes to remove the runs for good.") from stopped
    if not agreed:
        console().print("Nothing was removed.")
        raise typer.Exit(STOPPED)


@recorded.command("merge", epilog="Example: harness runs merge other-machine/runs runs")
def merge_runs(
    source: Annotated[Path, typer.Argument(help="A folder of runs, such as another machine's.")],
    target: Annotated[Path, typer.Argument(help="The folder of all runs.")] = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Copy another folder's runs into this one. Runs that are already there stay."""
    merged = merge(source, target)
    if as_json:
        typer.echo(json_text({"copied": list(map(str, merged.copied)), "known": merged.known}))
        return
    console().print(
        f"{counted(len(merged.copied), 'run')} copied to {target}; {merged.known:,} were already there.", soft_wrap=True
    )
    if merged.notes:
        console().print(f"Also copied: {', '.join(map(str, merged.notes))}.", soft_wrap=True)
