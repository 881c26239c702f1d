"""Accuracy of a plan's forecasts: forecast times and intervals next to the actual ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from harness.comparison.formatting import duration, duration_range
from harness.comparison.results import Cell, TaskComparison
from harness.counted import counted
from harness.errors import collected
from harness.metrics.lookup import unit_of
from harness.record import RunRecord
from harness.suites.forecast import total
from harness.suites.forecast_file import Foreseen, read_forecast


def foreseen_lines(
    found: Sequence[tuple[Path, RunRecord]], tasks: Sequence[TaskComparison], problems: list[str]
) -> tuple[str, ...]:
    """A line on time for each suite with a forecast, and one on intervals for each task.

    Args:
        found: All records with their folders.
        tasks: The task comparisons.
        problems: Messages about damaged forecasts are added to it.
    """
    lines: list[str] = []
    for suite in dict.fromkeys(record.suite for _, record in found):
        ours = [(folder.absolute(), record) for folder, record in found if record.suite == suite]
        folder = ours[0][0].parent.parent.parent
        with collected(problems):
            foreseen = read_forecast(folder)
            lines += _of_time(foreseen, folder, ours)
            lines += _of_power(foreseen, [task for task in tasks if task.suite == suite])
    return tuple(lines)


def _of_time(foreseen: Foreseen, folder: Path, found: Iterable[tuple[Path, RunRecord]]) -> Iterator[str]:
    done = [
        (foreseen.seconds[name], record.cost.total_seconds)
        for run, record in found
        if record.status != "failed" and run.is_relative_to(folder)
        if (name := str(run.relative_to(folder))) in foreseen.seconds
    ]
    if done:
        planned, took = total([before for before, _ in done]), sum(seconds for _, seconds in done)
        were, they = ("was", "it") if len(done) == 1 else ("were", "they")
        yield (
            f"{counted(len(done), 'run')} {were} expected to take {duration_range(planned)} one after the other; "
            f"{they} took {duration(took)}."
        )


def _of_power(foreseen: Foreseen, tasks: Iterable[TaskComparison]) -> Iterator[str]:
    for task in tasks:
        planned, unit = foreseen.power.get(task.task), unit_of(task.card.main_metric)
        widths = [width for cell in task.cells if (width := _half_width(cell)) is not None]
        if planned is None or not widths:
            continue
        seeds = max(len(cell.scored) for cell in task.cells)
        points = " points" if unit.factor == 100 else ""
        fewer = f" with {seeds} of {planned.seeds} seeds" if seeds != planned.seeds else ""
        yield (
            f"{task.task}: the plan was to detect a difference of {unit.score(planned.detectable)}"
            f"{points}, with intervals of ±{unit.score(planned.half_width)} around differences; "
            f"they were ±{unit.score(median(widths))}{fewer}."
        )


def _half_width(cell: Cell) -> float | None:
    """Half the width of the interval of the difference from the baseline, else from the best simple baseline."""
    for found in (cell.from_baseline, cell.from_simple_baseline):
        estimate = None if found is None else found.estimate
        if estimate is not None and estimate.includes_seeds and estimate.low is not None and estimate.high is not None:
            return (estimate.high - estimate.low) / 2
    return None
