"""How long a suite still takes, by what its runs have cost so far."""

from __future__ import annotations

from collections import Counter, defaultdict
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
        self._left = Counter(map(_which, waiting))
        self._seconds, self._workers = dict(seconds), workers

    def ended(self, run: Run, seconds: float | None) -> None:
        """Count a run that has ended.

        Args:
            run: Which.
            seconds: What it took; None: nothing is learnt from it.
        """
        self._left.subtract([_which(run)])
        self._left = +self._left  # Those of which none is left go.
        if seconds is not None:
            self._seconds[_which(run)] = seconds

    def seconds(self) -> float | None:
        """The time left; None as long as nothing is known of any run."""
        if not self._seconds:
            return None
        expected = self._expected()
        together = sum(expected[which] * count for which, count in self._left.items())
        return max(together / self._workers, max(expected.values(), default=0.0))

    def _expected(self) -> dict[Which, float]:
        """What a run of each sort that is left takes."""
        by_model = defaultdict[str, list[float]](list)
        for (_, model), seconds in self._seconds.items():
            by_model[model].append(seconds)
        means = {model: fmean(found) for model, found in by_model.items()}
        average = fmean(self._seconds.values())
        return {which: self._seconds.get(which) or means.get(which[1], average) for which in self._left}


def _which(run: Run) -> Which:
    return run.config.task, run.model
