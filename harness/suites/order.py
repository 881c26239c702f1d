"""Which run begins next, where several run at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from harness.errors import UserError
from harness.record import RECORD, read_record
from harness.runs.run import Run

Seconds = Mapping[tuple[str, str], float]


def next_run(waiting: Sequence[Run], seconds: Seconds, *, workers: int) -> Run:
    """The suite's next run, or one so long that it would else still run when all others have ended.

    The suite's order gives whole comparisons early, and longest first gains nothing before the end: only a long run
    that begins last leaves the other workers idle. So the longest goes first as soon as the others together, shared
    among the workers, take no longer than it does.

    Args:
        waiting: In the suite's order.
        seconds: What a model on a task took, where a seed of it has run; the others are taken to be average.
        workers: How many run at a time.
    """
    average = fmean(seconds.values()) if seconds else 1.0
    counts = Counter((run.config.task, run.model) for run in waiting)
    expected = {which: seconds.get(which, average) for which in counts}
    longest = max(expected, key=expected.__getitem__)
    others = sum(expected[which] * count for which, count in counts.items()) - expected[longest]
    if expected[longest] * workers < others:
        return waiting[0]
    return next(run for run in waiting if (run.config.task, run.model) == longest)


def recorded_seconds(planned: Sequence[Run]) -> dict[tuple[str, str], float]:
    """What each model on each task took when it was last run to its end; what was never run is left out."""
    found = {}
    for run in planned:
        try:
            record = read_record(run.folder / RECORD)
        except UserError:
            continue  # Not run yet, or a broken record that is about to be replaced.
        if record.status != "failed":
            found[run.config.task, run.model] = sum(record.cost.seconds.values())
    return found
