"""Which cell begins next, where several run at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from harness.errors import UserError
from harness.record import RECORD, read_record
from harness.runs.run import Cell

Seconds = Mapping[tuple[str, str], float]


def next_cell(waiting: Sequence[Cell], seconds: Seconds, *, workers: int) -> Cell:
    """The suite's next cell, or one so long that it would else still run when all others have ended.

    The suite's order gives whole comparisons early, and longest first gains nothing before the end: only a long cell
    that begins last leaves the other workers idle. So the longest goes first as soon as the others together, shared
    among the workers, take no longer than it does.

    Args:
        waiting: In the suite's order.
        seconds: What a model on a task took, where a seed of it has run; the others are taken to be average.
        workers: How many run at a time.
    """
    average = fmean(seconds.values()) if seconds else 1.0
    expected = [seconds.get((cell.config.task, cell.model), average) for cell in waiting]
    longest = max(range(len(waiting)), key=expected.__getitem__)
    others = sum(expected) - expected[longest]
    return waiting[longest] if expected[longest] * workers >= others else waiting[0]


def recorded_seconds(cells: Sequence[Cell]) -> dict[tuple[str, str], float]:
    """What each model on each task took when it was last run to its end; what was never run is left out."""
    found = {}
    for cell in cells:
        try:
            record = read_record(cell.folder / RECORD)
        except UserError:
            continue  # Not run yet, or a broken record that is about to be replaced.
        if record.status != "failed":
            found[cell.config.task, cell.model] = sum(record.cost.seconds.values())
    return found
