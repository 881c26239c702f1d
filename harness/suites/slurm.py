"""A suite on a Slurm cluster: job arrays through `sbatch`, one task per run that is not recorded yet.

Only text files go to the cluster: a script, and a list of the runs' folders. A task is a `harness run` of its own on a
folder that all nodes share, so that claims separate it from other commands, and a requeued one resumes from its saved
state.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.runs.claim import GIVEN_UP_SECONDS
from harness.runs.run import Run
from harness.suites.cluster import Cluster
from harness.suites.ended import DONE
from harness.suites.expansion import states
from harness.suites.suite import Suite

FOLDER = "slurm"
MOST_TASKS = 1001
"""The maximum size of an array if the cluster does not report it: Slurm's default."""
_SCRIPT = """\
#!/bin/bash
# {count} runs of the suite {suite}, one in each task of the array. Task N does the run on line N + 1 of {list_name}.
{directives}

run=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {list_file})
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-${{SLURM_CPUS_PER_TASK:-1}}}}"

# A preempted run saves its state before it ends, and this script does not end before it.
trap : TERM

one_run() {{
    {command} --just "$run"
}}
one_run
code=$?
# Queued again after its node was lost, a task may find the lost one's claim, which is given up after a while.
if [ "$code" -eq 3 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -gt 0 ]; then
    sleep {patience} || exit "$code"
    one_run
    code=$?
fi
exit "$code"
"""


@dataclass(frozen=True)
class Submitted:
    """A submitted array.

    Attributes:
        job: The job number.
        count: Number of its tasks.
    """

    job: str
    count: int


def check_independent(suite: Suite, option: str) -> None:
    """Check that each run of a suite is independent of the results of the others.

    Args:
        suite: The suite.
        option: The option that requires it, for the error.

    Raises:
        UserError: If the suite adds seeds sequentially, or chooses recipes by trials.
    """
    if suite.rule is not None:
        raise UserError(
            f"{option}: this suite adds seeds until comparisons are decided, which a single run can't know. List the "
            "seeds instead (seeds = [0, 1, 2], or --seeds 3), or leave it out."
        )
    if suite.tuning is not None:
        raise UserError(
            f"{option}: this suite chooses recipes by trials that come before the runs. Leave [tuning] and --trials "
            "out, or run it on one machine."
        )


def unrecorded(planned: Sequence[Run]) -> list[Run]:
    """The runs without a result, in order.

    Raises:
        UserError: If one is recorded with another configuration.
    """
    for run in planned:
        run.settle()
    return [run for run, state in zip(planned, states(planned), strict=True) if state not in DONE]


def run_of(planned: Sequence[Run], name: str, folder: Path) -> Run:
    """Find a run by its folder.

    Args:
        planned: All runs of the suite.
        name: Its folder, relative to the folder of the suite's runs.
        folder: The folder of the suite's runs.

    Raises:
        UserError: If there is none.
    """
    for run in planned:
        if run.folder == folder / name:
            return run
    raise UserError(f"--just {name}: this suite has no such run. Give its folder relative to {folder}.")


def most_tasks() -> int:
    """The maximum number of tasks of an array on this cluster; Slurm's default if the cluster does not report it."""
    try:
        shown = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=False)
    except OSError:
        return MOST_TASKS
    found = re.search(r"^MaxArraySize\s*=\s*([1-9]\d*)$", shown.stdout, re.MULTILINE)
    return int(found[1]) if found else MOST_TASKS


def arrays(waiting: Sequence[Run], size: int) -> list[Sequence[Run]]:
    """Divide the runs into arrays of at most `size` tasks."""
    return [waiting[start : start + size] for start in range(0, len(waiting), size)]


def submit(suite: Suite, waiting: Sequence[Run], words: Sequence[str], *, folder: Path) -> Iterator[Submitted]:
    """Submit the runs in as few arrays as the cluster allows; if `at_most` is set, one array after the other.

    Args:
        suite: The suite.
        waiting: Runs without a result.
        words: The command after `harness` that would execute them all here, without `--on`.
        folder: The folder of the suite's runs.

    Yields:
        Each array, as soon as the cluster has accepted it.

    Raises:
        UserError: If there is no Slurm here, or it rejects an array.
    """
    place, before = folder / FOLDER, ""
    place.mkdir(parents=True, exist_ok=True)
    for part in arrays(waiting, most_tasks()):
        listed = _unused(place)
        listed.write_text("".join(f"{run.folder.relative_to(folder)}\n" for run in part), encoding="utf-8")
        script = listed.with_suffix(".sh")
        script.write_text(script_text(suite.name, suite.cluster, words, listed.absolute(), len(part)), encoding="utf-8")
        after = [f"--dependency=afterany:{before}"] if before and suite.cluster.at_most else []
        before = _sbatch([*after, str(script)])
        yield Submitted(before, len(part))


def script_text(suite: str, cluster: Cluster, words: Sequence[str], listed: Path, count: int) -> str:
    """The script of an array.

    Args:
        suite: The suite's name.
        cluster: The resources of each run.
        words: The command after `harness`, without `--just`.
        listed: The file with a run's folder on each line.
        count: Number of its lines.

    Raises:
        UserError: If a path can't be written in a script.
    """
    logs = str(listed.parent).replace("%", "%%") + "/%A_%a.log"
    throttle = f"%{cluster.at_most}" if cluster.at_most else ""
    options = [
        f"--job-name={_quoted(suite)}",
        f"--array=0-{count - 1}{throttle}",
        "--requeue",
        "--open-mode=append",
        f"--chdir={_quoted(str(Path.cwd()))}",
        f"--output={_quoted(logs)}",
        *cluster.sbatch_options(),
    ]
    return _SCRIPT.format(
        count=count,
        suite=suite,
        list_name=listed.name,
        directives="\n".join(f"#SBATCH {option}" for option in options),
        list_file=shlex.quote(str(listed)),
        command=shlex.join([sys.executable, "-m", "harness", *words]),
        patience=int(GIVEN_UP_SECONDS) + 20,
    )


def _quoted(text: str) -> str:
    """Quote a value of an #SBATCH line, where a backslash escapes the next character."""
    if any(ord(character) < 32 for character in text):
        raise UserError(f"{text!r}: a path or name on a cluster can't have a line break. Rename it.")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unused(place: Path) -> Path:
    """A new list file for an array: earlier scripts are kept, because their tasks may still be waiting."""
    number = 1
    while True:
        file = place / f"array-{number}.txt"
        try:
            file.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return file


def _sbatch(words: Sequence[str]) -> str:
    """Submit a script; return the job's number."""
    command = ["sbatch", "--parsable", *words]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(
            f"--on slurm: sbatch can't be started ({error.strerror}). Run the command on a machine that can submit "
            "jobs, or leave it out."
        ) from error
    if ended.returncode:
        said = ended.stderr.strip() or f"exit code {ended.returncode}"
        raise UserError(f"--on slurm: sbatch rejects {words[-1]}:", *(f"    {line}" for line in said.splitlines()))
    return ended.stdout.strip().partition(";")[0]
