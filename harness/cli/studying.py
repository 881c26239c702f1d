"""Studies: what `harness run`, `plan` and `report` do with a study instead of a suite."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from harness.claims.claim import CLAIMS, Settings
from harness.claims.record import numbers_of, other_settings, read_claim, refuse_other_settings, write_study
from harness.claims.study import by_claim, chosen, read_study, refuse_shared_folders, refuse_unused
from harness.cli.app import FAILED, MISTAKE, refuse_options
from harness.errors import UserError, collected
from harness.output import console, plain_table, say

if TYPE_CHECKING:
    from rich.console import Console

    from harness.claims.claim import Claim
    from harness.claims.study import Study
    from harness.runs.options import Options
    from harness.runs.run import Run
    from harness.suites.suite import Suite

OF_RUNS = ("suite", "only", "settings", "runs", "workers", "quiet", "redo", "checkpoint_seconds", "track")
"""Options of `harness run` that a study has, too."""


def refuse_with_study(context: typer.Context, allowed: Sequence[str] = OF_RUNS) -> None:
    """Reject options that only apply to suites or single runs.

    Raises:
        UserError: If one is given.
    """
    refused = {str(parameter.name) for parameter in context.command.params} - {*allowed}
    why = " can't be used with a study. Leave it out; the files of the study and its suites say what is measured."
    refuse_options(context, refused, why)


def run_study(
    file: Path,
    *,
    only: Sequence[str] | None,
    settings: Sequence[str],
    runs: Path,
    options: Options,
    quiet: bool,
) -> None:
    """Execute the runs of a study's suites, measure its claims, and print which held; recorded parts are skipped.

    Args:
        file: The study's file.
        only: The claims to measure; empty: all.
        settings: Settings of claims, as claim.key=value, and of the recipes of their suites, as key=value.
        runs: The folder of all runs.
        options: How to run.
        quiet: Whether to print nothing but errors.

    Raises:
        UserError: If the study has mistakes, or a claim is recorded with other settings.
        typer.Exit: If a claim could not be measured.
    """
    shown = console(quiet=quiet)
    study, wanted, planned = _read(file, only=only, settings=settings, runs=runs)
    folder = runs / study.name
    if not options.redo:
        _refuse_other_settings(wanted, folder)
    write_study(study, folder)
    codes, ended = [], dict[str, int]()
    for name, how in wanted.items():
        for suite in how.read:
            if suite not in ended:
                ended[suite] = _carry_out(planned[suite], folder, options, quiet=quiet)
        failed = [ended[suite] for suite in how.read if ended[suite]]
        codes.append(failed[0] if failed else measure_claim(name, how, folder, options, shown))
    shown.print(f"Next: {shlex.join(['harness', 'report', str(folder)])}", soft_wrap=True)
    if any(codes):
        raise typer.Exit(max(codes) if FAILED not in codes else FAILED)


def _refuse_other_settings(claims: Mapping[str, Settings], folder: Path) -> None:
    """Reject records with other settings, and damaged ones, before hours are spent on runs that would not match them.

    Raises:
        UserError: For every such record.
    """
    mistakes = list[str]()
    for name, settings in claims.items():
        with collected(mistakes):
            record = read_claim(folder, name)
            if record is not None:
                refuse_other_settings(record, settings, folder)
    if mistakes:
        raise UserError(*mistakes)


def _read(
    file: Path, *, only: Sequence[str] | None, settings: Sequence[str], runs: Path
) -> tuple[Study, dict[str, Settings], dict[str, tuple[Suite, list[Run]]]]:
    """Read a study, the requested claims, and their suites with their runs.

    Raises:
        UserError: For every mistake in the study, in the settings, or in a suite.
    """
    of_claims, of_recipes = by_claim(settings)
    study = read_study(file, of_claims)
    wanted = chosen(study, only)
    refuse_unused(wanted, of_claims, of_recipes)
    return study, wanted, _planned(wanted, runs / study.name, of_recipes)


def _planned(
    claims: Mapping[str, Settings], folder: Path, recipes: Sequence[str]
) -> dict[str, tuple[Suite, list[Run]]]:
    """Plan the suites of claims, each once, with the settings of their recipes.

    Raises:
        UserError: For every mistake in any of them, or if two suites, or the study and a suite, would share a folder.
    """
    from harness.suites.selection import resolve_suite  # noqa: PLC0415 -- a command's own
    from harness.suites.suite_file import SUITE_FILE  # noqa: PLC0415 -- a command's own

    found, mistakes = {}, list[str]()
    suites = list(dict.fromkeys(suite for settings in claims.values() for suite in settings.read))
    if (folder / SUITE_FILE).exists():
        raise UserError(f"{folder}: holds the runs of a suite. Rename the study, or use another --runs folder.")
    refuse_shared_folders(suites)
    for suite in suites:
        with collected(mistakes):
            found[suite] = resolve_suite(suite, only=None, settings=recipes, runs=folder)
    if mistakes:
        raise UserError(*mistakes)
    return found


def _carry_out(planned: tuple[Suite, list[Run]], folder: Path, options: Options, *, quiet: bool) -> int:
    """Execute the runs of a suite; return the exit code."""
    from harness.cli.running import carry_out  # noqa: PLC0415 -- a command's own

    suite, runs = planned
    try:
        carry_out(suite, runs, options, tuning=suite.tuning, runs=folder, quiet=quiet)
    except typer.Exit as failed:
        return failed.exit_code
    return 0


def measure_claim(name: str, settings: Settings, folder: Path, options: Options, shown: Console) -> int:
    """Measure a claim, and print whether it held; return the exit code. A failure only affects this claim."""
    from harness.claims.measuring import measured  # noqa: PLC0415 -- heavy

    claim: Claim = CLAIMS.load(name)
    try:
        record, was_there = measured(name, settings, folder, redo=options.redo, command=options.command)
        sentence = claim.judge(numbers_of(record, folder)).sentence
    except UserError as error:
        for line in error.lines:
            say(console(stderr=True), line, style="red")
        return MISTAKE
    took = "recorded already" if was_there else f"{record.processor_seconds:.0f} s of processor time"
    shown.print(Text.assemble((f"✓ {claim.title}", "green"), f"  {took}"), soft_wrap=True)
    say(shown, f"    {sentence}")
    return 0


def show_study(file: Path, *, only: Sequence[str] | None, settings: Sequence[str], runs: Path) -> None:
    """Print the claims of a study, what is recorded of each, and which runs its suites still need.

    Raises:
        UserError: If it or one of its suites has mistakes.
    """
    from harness.suites.expansion import states  # noqa: PLC0415 -- a command's own
    from harness.suites.plan import counted  # noqa: PLC0415 -- a command's own

    study, claims, planned = _read(file, only=only, settings=settings, runs=runs)
    folder, shown = runs / study.name, console()
    table = plain_table("claim", "state", "runs of its suites")
    for name, how in claims.items():
        parts = [f"{planned[one][0].name}: {counted(states(planned[one][1]))}" for one in how.read]
        table.add_row(name, _state(name, how, folder), "; ".join(parts) or "none")
    shown.print(table)
    set_too = [word for pair in by_claim(settings)[1] for word in ("--set", pair)]
    for suite in planned:
        words = shlex.join(["harness", "plan", suite, "--runs", str(folder), *set_too])
        shown.print(f"Time and disk of the runs: {words}", soft_wrap=True)


def _state(claim: str, settings: Settings, folder: Path) -> str:
    """The state of a claim's record."""
    record = read_claim(folder, claim)
    if record is None:
        return "new"
    return "recorded with other settings" if other_settings(record, settings) else "recorded"


def report_study(folder: Path, format_: str, output: Path | None) -> Path:
    """Write the page of a study to one file, and return its path.

    Raises:
        UserError: If a record is damaged, or the format has no page for studies.
    """
    from harness.atomic_writes import write_atomically  # noqa: PLC0415 -- a command's own
    from harness.claims.page import PAGES, told  # noqa: PLC0415 -- a command's own
    from harness.printable import printable  # noqa: PLC0415 -- a command's own
    from harness.reporting.files import ending_of  # noqa: PLC0415 -- a command's own

    if format_ not in PAGES:
        raise UserError(f"--format {format_}: a study has no report in this format. Use {' or '.join(PAGES)}.")
    target = output or folder / f"report{ending_of(format_)}"
    content = printable(PAGES[format_](told(folder))).encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, content)
    return target
