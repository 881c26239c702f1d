"""Execute what `harness run` asks for: trials, runs, and the messages at the end."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from harness.cli.app import FAILED, LEFT, MISTAKE
from harness.cli.planning import keep_foreseen, outcome
from harness.cli.sequential import run_until_decided
from harness.ops.together import processes
from harness.output import console, say
from harness.runs.options import Options
from harness.runs.run import Run
from harness.suites import runner
from harness.suites.runner import Tally
from harness.suites.suite import Suite
from harness.suites.suite_file import write_suite
from harness.suites.trials import execute_trials
from harness.tuning.settings import Tuning


def carry_out(
    suite: Suite | None,
    planned: Sequence[Run],
    options: Options,
    *,
    tuning: Tuning | None,
    runs: Path,
    workers: int | None,
    quiet: bool = False,
    is_part: bool = False,
) -> None:
    """Tune, run, and say where the records are.

    Args:
        suite: The suite; None: single runs.
        planned: All possible runs.
        options: How to run.
        tuning: The tuning settings, if recipes are tuned first.
        runs: The folder of all runs.
        workers: Number of parallel processes; None: as many as suit the machine.
        quiet: Whether to print nothing but failed runs and the reasons.
        is_part: Whether another command, which submitted the runs, has written the information about the suite.

    Raises:
        typer.Exit: If a run has no result.
    """
    main_process = processes().is_main_process
    shown = console(quiet=quiet or not main_process)
    if suite is not None and main_process and not is_part:
        write_suite(suite, runs)
        keep_foreseen(suite, planned, runs=runs, workers=workers)
    folder = runs / suite.name if suite else Path(os.path.commonpath([run.folder for run in planned]))
    planned, tried, trial_count = execute_trials(planned, tuning, options, shown, workers=workers)
    if suite is not None and suite.rule is not None:
        tally, count = run_until_decided(suite, planned, options, shown, folder=folder, workers=workers)
    else:
        tally, count = runner.execute_runs(planned, options, shown, workers=workers), len(planned)
    if suite is not None and main_process and not (is_part or tally.failed or tally.left):
        for line in outcome(folder):
            say(shown, line)
    tally, count = tally.with_others(tried), count + trial_count
    if quiet and main_process and (tally.failed or tally.left):
        shown = console(stderr=True)
        for reason in tally.reasons:
            say(shown, f"✗ {reason}")
    _conclude(shown, tally, count, folder=folder, next_folder=folder if suite else runs)


def _conclude(shown: Console, tally: Tally, planned: int, *, folder: Path, next_folder: Path) -> None:
    """Say where the records are; exit with a code other than 0 if a run has no result."""
    if tally.failed:
        only_mistakes = tally.failed <= tally.mistaken
        once = " once the input is corrected" if only_mistakes else ""
        shown.print(
            f"{tally.failed} of {planned} failed; the same command retries them{once}. Records in {folder}.",
            soft_wrap=True,
        )
        raise typer.Exit(MISTAKE if only_mistakes else FAILED)
    if tally.left:
        shown.print(f"{tally.left} of {planned} left to another command. Records in {folder}.", soft_wrap=True)
        raise typer.Exit(LEFT)
    shown.print(f"Records in {folder}. Next: {shlex.join(['harness', 'compare', str(next_folder)])}", soft_wrap=True)
