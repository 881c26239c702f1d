"""Run a sequential suite, which adds seeds until its comparisons are decided: look by look, task by task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.comparison.comparison import compare_records
from harness.comparison.look import Look
from harness.output import say
from harness.records import read_records
from harness.runs.run import Run
from harness.suites.ended import DONE
from harness.suites.seeds import SeedRule
from harness.suites.suite import Suite

if TYPE_CHECKING:
    from rich.console import Console

    from harness.runs.options import Options
    from harness.suites.runner import Tally

Looks = Mapping[str, Look]


def run_until_decided(
    suite: Suite, planned: Sequence[Run], options: Options, console: Console, *, folder: Path
) -> tuple[Tally, int]:
    """Run each task's next look until its comparisons are decided, or the last look is complete.

    The state of a task is a function of the records, so that an interrupted command resumes where it was.

    Args:
        suite: A suite with a seed rule.
        planned: All possible runs.
        options: How to run.
        console: Where to print.
        folder: The folder of the suite's runs.

    Returns:
        The tally of the runs, and how many were tried.
    """
    from harness.suites.runner import Tally, execute_runs  # noqa: PLC0415 -- heavy

    assert suite.rule is not None, "only such a suite is run look by look"
    tally, tried, looks = Tally(), set[Path](), looks_at(folder, suite)
    while runs := next_runs(planned, looks, suite.rule, tried=tried, redo=options.redo):
        tried.update(run.folder for run in runs)
        tally = tally.with_others(execute_runs(runs, options, console))
        options, looks = replace(options, redo=False), looks_at(folder, suite)
        show_standing(looks, console)
    if not tried:
        show_standing(looks, console)
    return tally, len(tried)


def show_standing(looks: Looks, console: Console) -> None:
    """Print the state of each task."""
    for task, look in looks.items():
        say(console, standing(task, look))


def looks_at(folder: Path, suite: Suite) -> dict[str, Look]:
    """The look of each task with records; for a task with two metrics, one that is not over."""
    records, problems = read_records(folder)
    if not records:
        return {}
    baseline = suite.baseline if suite.baseline in {record.model for _, record in records} else None
    found: dict[str, Look] = {}
    for task in compare_records(records, where=str(folder), baseline=baseline, problems=problems).tasks:
        if task.look is not None and (task.task not in found or found[task.task].is_over):
            found[task.task] = task.look
    return found


def next_runs(
    planned: Sequence[Run], looks: Looks, rule: SeedRule, *, tried: Collection[Path], redo: bool = False
) -> list[Run]:
    """The next runs: those that a task's look still lacks, or else those of its next look.

    Args:
        planned: All possible runs.
        looks: The look of each task that has records.
        rule: The suite's rule.
        tried: Folders of runs that are not tried again, whatever their outcome.
        redo: Whether to run recorded ones again.
    """
    by_task: defaultdict[str, list[Run]] = defaultdict(list)
    for run in planned:
        by_task[run.config.task].append(run)
    return [
        run
        for task, runs in by_task.items()
        for run in _of_task(runs, looks.get(task), rule, tried=tried, redo=redo)
        if run.folder not in tried
    ]


def _of_task(
    runs: Sequence[Run], look: Look | None, rule: SeedRule, *, tried: Collection[Path], redo: bool
) -> list[Run]:
    number = 0 if look is None else look.number
    now = rule.seeds[: rule.looks[max(number - 1, 0)]]
    here = [run for run in runs if run.config.seed in now]
    left = [run for run in here if run.folder not in tried and (redo or run.state() not in DONE)]
    if left or look is None or look.is_over or not look.is_whole:
        return left
    seeds = rule.seeds[: rule.looks[number]]
    return [run for run in runs if run.config.seed in seeds and run.state() not in DONE]


def standing(task: str, look: Look) -> str:
    """Describe the state of a task in one line."""
    seeds = f"{len(look.seeds)} seeds"
    if not look.is_whole:
        return f"{task}: the first look, at {seeds}, is missing runs."
    where = f"{task}: look {look.number}, at {seeds}: "
    if look.undecided and not look.is_over:
        return f"{where}{', '.join(look.undecided)} undecided, so more seeds are run."
    if look.undecided:
        return f"{where}the last one; {', '.join(look.undecided)} undecided."
    return f"{where}every difference is decided, not testable, or too small to be shown by {look.looks[-1]} seeds."
