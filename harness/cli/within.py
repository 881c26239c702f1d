"""Run a suite of one task within a time limit: full runs if some are certain to fit, else short ones first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from harness.cli.budgeted import Budgeted, busy
from harness.cli.planning import foreseen
from harness.comparison.formatting import duration
from harness.output import say
from harness.record import RECORD, read_record
from harness.runs.run import Run
from harness.suites.expansion import planned_runs
from harness.suites.forecast import wall_seconds
from harness.suites.runner import Tally, mark_redone
from harness.suites.shortened import LADDER, Short, cut, shortened
from harness.suites.suite import Suite
from harness.suites.suite_file import write_suite
from harness.tuning.winner import validation_score

if TYPE_CHECKING:
    from rich.console import Console

    from harness.runs.options import Options

SAVED_AFTER = 0.1
"""States of runs in progress are saved at least whenever this part of the time limit has passed."""


@dataclass(frozen=True)
class Answered:
    """The runs within a time limit.

    Attributes:
        suite: The suite with the best records: of full runs, or of short ones.
        tally: The outcomes of all runs.
        left: Sentences about what did not fit.
    """

    suite: Suite
    tally: Tally
    left: tuple[str, ...]


def run_within(
    suite: Suite,
    planned: Sequence[Run],
    options: Options,
    console: Console,
    *,
    runs: Path,
    ends: float,
) -> Answered:
    """Run what fits, so that a trained model is compared with the simple baselines within any reasonable time.

    Full runs get the time that short runs leave, and the models whose short runs were best on validation get it first.
    What is stopped there is continued by the next command, so that repeating it leads to full runs, however long they
    take.

    Args:
        suite: The suite.
        planned: Its runs.
        options: How to run; with `redo`, the suite's own runs are marked already, and those of short suites will be.
        console: Where to print.
        runs: The folder of all runs.
        ends: The end of the time, on time.monotonic's clock.
    """
    # Else a command that is shorter than the time between two saved states would never get further.
    often = min(options.checkpoint_seconds, max(ends - time.monotonic(), 0) * SAVED_AFTER)
    in_parts = replace(options, redo=False, checkpoint_seconds=often)

    def budgeted(suite: Suite, planned: Sequence[Run], order: Iterable[str] = suite.models, **more: Any) -> Budgeted:
        waiting = {model: [run for run in planned if run.model == model] for model in order}
        return Budgeted(suite, runs, ends, in_parts, console, waiting, Tally(), **more)

    whole = budgeted(suite, planned)
    if whole.left <= 0 or whole.has_answer or not whole.is_too_short:
        left = whole.run()
        return Answered(suite, whole.tally, tuple(left))
    short = longest_that_fits(whole.first_of_trained, whole.left, runs=runs, workers=options.workers)
    say(console, _why(short, whole.left))
    first = shortened(suite, short)
    write_suite(first, runs)
    short_runs = planned_runs(first, runs)
    if options.redo:
        mark_redone(short_runs, console)
    brief = budgeted(first, short_runs, sort="short runs")
    left = brief.run()
    order = best_first(suite.models, short_runs)
    whole = budgeted(suite, planned, order, is_paced=brief.shows_pace, sort="full runs", grace=0.0)
    if whole.left > 0:
        left += whole.run()
    else:
        whole.only_trained()
        left += whole.what_is_left()
    return Answered(suite if whole.has_answer else first, brief.tally.with_others(whole.tally), tuple(left))


def longest_that_fits(planned: Sequence[Run], seconds: float, *, runs: Path, workers: int | None) -> Short:
    """The longest short runs that the quickest model is certain to finish in time; the shortest if there are none.

    Certain means even at the upper end of the forecast. They usually take less, which leaves time for other models.

    Args:
        planned: The full runs of the first look of trained models.
        seconds: The total time available.
        runs: The folder of all runs.
        workers: Number of parallel processes; None: as many as suit the machine.
    """
    factor = busy()
    candidates = {short: [_cut_run(run, short, runs) for run in planned] for short in LADDER}
    batch = [run for found in candidates.values() for run in found]
    plan = foreseen(batch, ["new"] * len(batch), runs=runs, rule=None, workers=workers)
    for short, found in candidates.items():
        known = {run.model: plan.runs[run.folder].seconds for run in found}
        seeds = len(found) // len(known)
        ends = [wall_seconds([one] * seeds, len(plan.slots)).high for one in known.values() if one is not None]
        soonest = min(ends, default=inf)
        if factor * soonest <= seconds:
            return short
    return LADDER[-1]


def best_first(models: Iterable[str], done: Sequence[Run]) -> list[str]:
    """The models by their mean validation score in some runs of one task, best first; then those without one.

    Args:
        models: The models.
        done: The runs, of which not all may be recorded.
    """
    records = [read_record(run.folder / RECORD) for run in done if run.state() == "complete"]
    sign = -1 if all(record.task_card.higher_is_better for record in records) else 1

    def loss(model: str) -> float:
        scores = [validation_score(record) for record in records if record.model == model]
        known = [score for score in scores if score is not None]
        return sign * mean(known) if known else inf

    return sorted(models, key=loss)


def _cut_run(run: Run, short: Short, runs: Path) -> Run:
    config = run.config.model_copy(update={"training": cut(run.config.training, short)})
    return replace(run, config=config, folder=runs / f"{short.steps}-steps" / Path(*run.folder.parts[-3:]))


def _why(short: Short, seconds: float) -> str:
    return f"No trained model is certain to finish in {duration(seconds)}, so short runs come first: {short}."
