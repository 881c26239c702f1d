"""`harness run SUITE --on slurm`: submit a suite's runs to a cluster and return; and `--just`, one task of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import typer

from harness.cli.app import refuse_options
from harness.cli.planning import keep_foreseen
from harness.counted import counted
from harness.errors import UserError
from harness.output import console
from harness.runs.run import Run
from harness.suites.slurm import FOLDER, Submitted, check_independent, submit, unrecorded
from harness.suites.suite import Suite
from harness.suites.suite_file import write_suite


def submit_suite(suite: Suite, planned: Sequence[Run], words: Sequence[str], *, runs: Path, quiet: bool) -> None:
    """Submit the runs that are not recorded, and say how to watch them and what to do afterwards.

    Args:
        suite: The suite.
        planned: Its runs.
        words: What the user typed after `harness`, without `--on`.
        runs: The folder of all runs.
        quiet: Whether to print errors only.

    Raises:
        UserError: If the suite's runs depend on each other, or the cluster accepts none.
    """
    check_independent(suite, "--on slurm")
    shown, folder = console(quiet=quiet), runs / suite.name
    waiting = unrecorded(planned)
    if len(waiting) < len(planned):
        shown.print(f"{len(planned) - len(waiting)} of {len(planned)} runs are recorded already and are skipped.")
    following = shlex.join(["harness", "compare", str(folder)])
    if not waiting:
        shown.print(f"Nothing to submit. Next: {following}", soft_wrap=True)
        return
    write_suite(suite, runs)
    keep_foreseen(suite, planned, runs=runs, workers=None)
    arrays: list[Submitted] = []
    try:
        for array in submit(suite, waiting, words, folder=folder):
            arrays.append(array)
            shown.print(
                f"Submitted {counted(array.count, 'run')} as job array {array.job}.",
                soft_wrap=True,
            )
    except UserError as error:
        if not arrays:
            raise
        there = ", ".join(array.job for array in arrays)
        raise UserError(
            *error.lines, f"Already submitted: {there}. Run the same command again later to submit the others."
        ) from error
    jobs = ",".join(array.job for array in arrays)
    for line in (
        f"Watch: squeue --jobs {jobs}. Their output: {folder / FOLDER}.",
        f"Then: {following}. Run the same command again to resubmit what has no result by then.",
    ):
        shown.print(line, soft_wrap=True, markup=False, highlight=False)


def refuse_on_cluster(invocation: typer.Context, cluster: str, *, workers: int | None) -> None:
    """Reject options that don't apply to runs on a cluster.

    Raises:
        UserError: If one is given.
    """
    refused = {"just", *(["redo"] if cluster == "slurm" else []), *(["workers"] if workers != 1 else [])}
    other = (
        "; in place of --redo, name another --runs folder" if cluster == "slurm" and invocation.params["redo"] else ""
    )
    why = f" can't be used with --on {cluster}, whose tasks are one run each. Leave it out{other}."
    refuse_options(invocation, refused, why)
