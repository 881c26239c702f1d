"""The remaining time of a suite, from the times of its runs so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from harness.runs.run import Run

Which = tuple[str, str]


class TimeLeft:
    """The remaining time, updated whenever a run has ended.

    A future run is expected to take as long as the same model on the same task; else as long as on other tasks; else as
    long as an average run. Runs in progress count as if they had just started, so the estimate is rather too long.

    Args:
        waiting: The runs to execute.
        seconds: The time of a model on a task in earlier runs, if recorded.
        workers: Number of concurrent runs.
    """

    def __init__(self, waiting: Sequence[Run], seconds: Mapping[Which, float], *, workers: int) -> None:
        self._left = Counter(map(_which, waiting))
        self._seconds, self._workers = dict(seconds), workers

    def ended(self, run: Run, seconds: float | None) -> None:
        """Count a run that has ended.

        Args:
            run: The run.
            seconds: Its time; None: ignore it.
        """
        self._left.subtract([_which(run)])
        self._left = +self._left  # Drops keys without remaining runs.
        if seconds is not None:
            self._seconds[_which(run)] = seconds

    def seconds(self) -> float | None:
        """The remaining time; None until the time of any run is known."""
        if not self._seconds:
            return None
        expected = self._expected()
        together = sum(expected[which] * count for which, count in self._left.items())
        return max(together / self._workers, max(expected.values(), default=0.0))

    def _expected(self) -> dict[Which, float]:
        """The expected time of each kind of remaining run."""
        by_model = defaultdict[str, list[float]](list)
        for (_, model), seconds in self._seconds.items():
            by_model[model].append(seconds)
        means = {model: fmean(found) for model, found in by_model.items()}
        average = fmean(self._seconds.values())
        return {which: self._seconds.get(which) or means.get(which[1], average) for which in self._left}


def _which(run: Run) -> Which:
    return run.config.task, run.model
