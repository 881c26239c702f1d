"""How long a suite still takes, by what its runs have cost so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from harness.runs.run import Run

Which = tuple[str, str]


class TimeLeft:
    """The time left, told anew whenever a run has ended.

    A run that is still to come takes what the same model took on the same task; else what it took on other tasks; else
    what runs took on average. Runs under way count as if they had just begun, so the end is rather told too late.

    Args:
        waiting: The runs that are to be made.
        seconds: What a model on a task took before, where that is recorded.
        workers: How many run at a time.
    """

    def __init__(self, waiting: Sequence[Run], seconds: Mapping[Which, float], *, workers: int) -> None:
        self._left = [_which(run) for run in waiting]
        self._seconds, self._workers = dict(seconds), workers

    def ended(self, run: Run, seconds: float | None) -> None:
        """Count a run that has ended.

        Args:
            run: Which.
            seconds: What it took; None: nothing is learnt from it.
        """
        self._left.remove(_which(run))
        if seconds is not None:
            self._seconds[_which(run)] = seconds

    def seconds(self) -> float | None:
        """The time left; None as long as nothing is known of any run."""
        if not self._seconds:
            return None
        together = sum(map(self._expected, self._left))
        longest = max(map(self._expected, self._left), default=0.0)
        return max(together / self._workers, longest)

    def _expected(self, which: Which) -> float:
        alike = [seconds for (_, model), seconds in self._seconds.items() if model == which[1]]
        return self._seconds.get(which) or fmean(alike or self._seconds.values())


def _which(run: Run) -> Which:
    return run.config.task, run.model
