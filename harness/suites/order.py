"""The order in which runs start if several run at a time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from harness.runs.run import Run, TaskAndModel

Seconds = Mapping[TaskAndModel, float]
"""The time of each model on each task when it last ran, if it has."""


class Queue:
    """Runs waiting for a worker.

    Args:
        planned: The runs in the suite's order.
    """

    def __init__(self, planned: Iterable[Run]) -> None:
        self._in_order = deque(enumerate(planned))
        self._alike = defaultdict[TaskAndModel, deque[tuple[int, Run]]](deque)  # Contains only keys with waiting runs.
        for place, run in self._in_order:
            self._alike[run.task_and_model].append((place, run))
        self._taken_early: set[int] = set()  # Indices of runs that are still in the order.

    def __bool__(self) -> bool:
        """Return whether any run is waiting."""
        return bool(self._alike)

    def take(self, seconds: Seconds, *, workers: int) -> Run:
        """Take the suite's next run, or one so long that it would otherwise still run when all others have ended.

        The suite's order completes comparisons early, and running the longest first gains nothing before the end: only
        a long run that starts last leaves the other workers idle. So the longest goes first once the others together,
        divided by the number of workers, take no longer than it does.

        Args:
            seconds: The time of a model on a task if a seed of it has run; the others are assumed average.
            workers: Number of concurrent runs.
        """
        average = fmean(seconds.values()) if seconds else 1.0
        expected = {which: seconds.get(which, average) for which in self._alike}
        longest = max(expected, key=lambda which: (expected[which], -self._alike[which][0][0]))
        others = sum(expected[which] * len(runs) for which, runs in self._alike.items()) - expected[longest]
        return self._first() if expected[longest] * workers < others else self._first_of(longest)

    def _first(self) -> Run:
        while self._in_order[0][0] in self._taken_early:
            self._taken_early.remove(self._in_order.popleft()[0])
        _, run = self._in_order.popleft()
        self._remove_first(run.task_and_model)
        return run

    def _first_of(self, which: TaskAndModel) -> Run:
        place, run = self._remove_first(which)
        self._taken_early.add(place)
        return run

    def _remove_first(self, which: TaskAndModel) -> tuple[int, Run]:
        """Remove the first of the runs with the same model and task, which also comes first in the suite's order."""
        first = self._alike[which].popleft()
        if not self._alike[which]:
            del self._alike[which]
        return first


def recorded_seconds(planned: Sequence[Run]) -> dict[TaskAndModel, float]:
    """The time of each model on each task: that of its last planned run with a record other than a failure, if any."""
    found = {}
    for run in planned:
        record = run.record_if_any()
        if record is not None and record.status != "failed":
            found[run.task_and_model] = record.cost.total_seconds
    return found
