"""The forecasts of `harness plan`: time, disk space, and the smallest difference that a suite can detect."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import disk_usage

from rich.console import Console
from rich.table import Table

from harness.comparison.comparison import compare
from harness.comparison.formatting import duration_range, memory
from harness.comparison.planned_power import TaskPower, planned_power
from harness.counted import counted, counted_are
from harness.errors import UserError, notice
from harness.output import plain_table, say
from harness.record import RunRecord
from harness.runs.run import Run, State
from harness.suites.ended import DONE
from harness.suites.forecast import RunForecast, forecast, total, wall_seconds
from harness.suites.forecast_file import Foreseen, ForeseenPower, keep_forecast
from harness.suites.precision import has_no_accelerator
from harness.suites.ranges import Range
from harness.suites.seeds import SeedRule
from harness.suites.sizes import task_records, task_sizes
from harness.suites.speed import Speed, assumed_speed, measured_speed, recorded_speed
from harness.suites.suite import Suite
from harness.suites.trials import overview
from harness.suites.worker_slots import WorkerSlot, this_machine, worker_slots

Records = Mapping[str, Sequence[tuple[Path, RunRecord]]]
BUSY = 1.5
"""Load per core above which the plan says that runs will take longer."""


@dataclass(frozen=True)
class Plan:
    """The forecast of a suite.

    Attributes:
        runs: The forecast of each remaining run, by folder.
        power: The power on each task on which models are compared.
        slots: The workers.
    """

    runs: Mapping[Path, RunForecast]
    power: Sequence[TaskPower]
    slots: Sequence[WorkerSlot]

    @property
    def seconds(self) -> list[Range]:
        """The time of the runs that have a forecast; of those with a saved state, of what is left."""
        return [left for run in self.runs.values() if (left := run.left) is not None]

    def kept(self, folder: Path) -> Foreseen:
        """The part that is saved in the suite's folder."""
        seconds = {
            str(run.relative_to(folder)): found.seconds for run, found in self.runs.items() if found.seconds is not None
        }
        power = {
            one.task: ForeseenPower(one.detectable, one.half_width, one.design.seeds, one.noise.source)
            for one in self.power
            if one.noise is not None and one.detectable is not None and one.half_width is not None
        }
        return Foreseen(seconds, power)


def foreseen(
    planned: Sequence[Run],
    found_states: Sequence[State],
    *,
    runs: Path,
    rule: SeedRule | None,
    workers: int | None = None,
    measure: bool = False,
    over: Collection[str] = (),
) -> Plan:
    """Forecast a suite's runs before they start.

    Args:
        planned: All runs, trials included.
        found_states: The state of each run.
        runs: The folder of all runs.
        rule: The looks, if seeds are added until comparisons are decided.
        workers: Number of parallel processes; None: as many as suit the machine.
        measure: Whether to measure the machine's speed if no recorded run shows it.
        over: Tasks whose comparisons need no more runs.
    """
    seeds = [run for run in planned if run.trial is None]
    first = {run.config.task: run for run in reversed(seeds)}
    records: Records = {task: task_records(run, runs) for task, run in first.items()}
    sizes = {task: task_sizes(run, [record for _, record in records[task]]) for task, run in first.items()}
    waiting = [
        run
        for run, state in zip(planned, found_states, strict=True)
        if state not in DONE and run.config.task not in over
    ]
    slots = worker_slots(this_machine(), requested=workers, planned=len(waiting))
    speeds = _speeds(records, slots, measure=measure)
    models = {run.model: run.config.model for run in planned}
    simple = {name for name, model in models.items() if model.is_simple_baseline}
    alike: dict[tuple[str, str, int], RunForecast] = {}  # Seeds share a recipe, and so their cost.
    found = {}
    for run in waiting:
        which = run.config.task, run.model, id(run.config.training)
        if which not in alike:
            task = run.config.task
            alike[which] = forecast(run, sizes[task], records[task], speeds, is_simple=run.model in simple)
        found[run.folder] = alike[which].continued(run, sizes[run.config.task])
    return Plan(found, planned_power(seeds, rule, records, sizes, simple), slots)


def keep_foreseen(suite: Suite, planned: Sequence[Run], *, runs: Path, workers: int | None) -> Plan | None:
    """Save the forecast of a suite's runs in its folder before they start; None if that fails, which stops nothing."""
    try:
        found = overview(planned, suite.tuning)
    except UserError:
        return None  # The result has another configuration: the run reports it, or replaces it.
    try:
        expected = foreseen(found.runs, found.states, runs=runs, rule=suite.rule, workers=workers)
        keep_forecast(runs / suite.name, expected.kept(runs / suite.name))
    except UserError as error:
        for line in error.lines:
            notice(line)
        return None
    return expected


def outcome(folder: Path) -> tuple[str, ...]:
    """Describe how good a suite's forecasts were; empty if its runs can't be compared, which comparing reports."""
    try:
        return compare(folder).foreseen
    except UserError:
        return ()


def _speeds(records: Records, slots: Sequence[WorkerSlot], *, measure: bool) -> Callable[[str], Speed | None]:
    known = recorded_speed(record for found in records.values() for _, record in found)

    @cache
    def speed(precision: str) -> Speed | None:
        if measure:
            return measured_speed(precision, slots[0].threads)
        return known or (assumed_speed(precision, slots[0].threads) if has_no_accelerator() else None)

    return speed


def show_plan(
    plan: Plan, console: Console, *, runs: Path, rule: SeedRule | None, detect: float | None, on: str | None = None
) -> None:
    """Print the forecast, without the time if the runs go to a cluster, whose plan includes it."""
    for line in (*([] if on else time_lines(plan, rule)), *_disk(plan, runs)):
        say(console, line)
    if plan.power:
        console.print(_power_table(plan.power, detect))
        for note in _power_notes(plan.power):
            say(console, note)


def time_lines(plan: Plan, rule: SeedRule | None) -> list[str]:
    """Sentences about the time of the runs; empty if all are recorded."""
    if not plan.runs:
        return []
    known = Counter(run.source for run in plan.runs.values() if run.seconds is not None)
    lines = []
    if plan.seconds:
        workers = len(plan.slots)
        wall = duration_range(wall_seconds(plan.seconds, workers))
        side_by_side = f" with {workers} workers" if workers > 1 else ""
        alone = f"; one after the other {duration_range(total(plan.seconds))}" if workers > 1 else ""
        most = "" if rule is None else f"{_first_look(plan, rule)}, and if all seeds are needed "
        lines.append(f"Time{side_by_side}: {most}{wall}{alone}. Estimated from {_counted(known)}.")
    if continued := sum(run.done > 0 for run in plan.runs.values()):
        which = (
            "1 of them continues from a saved state"
            if continued == 1
            else f"{continued} of them continue from saved states"
        )
        lines.append(f"{counted_are(len(plan.runs), 'run')} left; {which}.")
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > BUSY * cores:
        lines.append(f"The machine is busy (load {load:.1f} on {cores} cores), so runs will take longer than that now.")
    return [*lines, *unknown_lines(plan)]


def unknown_lines(plan: Plan) -> list[str]:
    """Sentences about runs whose time is unknown, with the reason."""
    unknown = Counter(run.source for run in plan.runs.values() if run.seconds is None)
    return [f"Time of {counted(sum(unknown.values()), 'run')}: {_counted(unknown)}."] if unknown else []


def first_look_seconds(plan: Plan, rule: SeedRule | None) -> float:
    """The approximate time of the remaining runs of the first look, as far as known."""
    seconds = plan.seconds if rule is None else _of_first_look(plan, rule)
    return wall_seconds(seconds, len(plan.slots)).about if seconds else 0.0


def _of_first_look(plan: Plan, rule: SeedRule) -> list[Range]:
    seeds = {f"seed-{seed}" for seed in rule.seeds[: rule.looks[0]]}
    ours = [run for folder, run in plan.runs.items() if folder.name.partition("-fold-")[0] in seeds]
    return [left for run in ours if (left := run.left) is not None]


def _first_look(plan: Plan, rule: SeedRule) -> str:
    """The time of the remaining runs of the first look."""
    seconds = _of_first_look(plan, rule)
    if not seconds:
        return "the first look is complete"
    return f"{duration_range(wall_seconds(seconds, len(plan.slots)))} for the first look"


def _counted(sources: Counter[str]) -> str:
    if len(sources) == 1:
        return next(iter(sources))
    return "; ".join(f"{source} ({counted(count, 'run')})" for source, count in sources.most_common())


def _disk(plan: Plan, runs: Path) -> list[str]:
    if not plan.runs:
        return []
    whole = sum(run.bytes for run in plan.runs.values())
    state = sum(sorted((run.state_bytes for run in plan.runs.values()), reverse=True)[: len(plan.slots)])
    there = next(folder for folder in (runs.absolute(), *runs.absolute().parents) if folder.exists())
    free = disk_usage(there).free
    more = f", and up to {memory(state)} more during the runs" if state else ""
    lines = [f"Disk: about {memory(whole)}{more}; {memory(free)} free."]
    if whole + state > free:
        lines.append(f"That is more than is free in {there}. Choose another --runs folder, or fewer runs.")
    return lines


def _power_table(power: Sequence[TaskPower], detect: float | None) -> Table:
    more = () if detect is None else (f"seeds for {detect:g}", f"examples for {detect:g}")
    headings = ("task", "seeds", "test examples", "detects", *more)
    table = plain_table(*headings)
    for one in power:
        smallest = "–" if one.detectable is None else one.unit.score(one.detectable)
        row = [one.task, str(one.design.seeds), f"{one.design.examples:,.0f}", smallest]
        if detect is not None:
            found = (one.seeds_for(detect / one.unit.factor), one.examples_for(detect / one.unit.factor))
            row += ["–" if number is None else f"{number:,}" for number in found]
        table.add_row(*row)
    return table


def _power_notes(power: Sequence[TaskPower]) -> list[str]:
    models = sorted({one.design.models for one in power})
    compared = f"{models[0]}" if len(models) == 1 else f"{models[0]} to {models[-1]}"
    lines = [
        f"Detects: the smallest difference, in points of the metric, that is found in 80 % of cases among {compared} "
        "models. –: unknown, or no number is enough without more of the other."
    ]
    sources: dict[str, list[str]] = {}
    for one in power:
        if one.noise is not None:
            sources.setdefault(one.noise.source, []).append(one.task)
    lines += [f"Scores on {', '.join(tasks)} are assumed to vary {source}." for source, tasks in sources.items()]
    grouped = [one.task for one in power if one.group is not None and one.noise is not None and one.noise.clusters == 1]
    if grouped:
        lines.append(
            f"Test examples of a group count as independent here, so {', '.join(grouped)} may need more of them."
        )
    return lines
