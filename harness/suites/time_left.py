"""The remaining time of a suite, from the times of its runs so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from harness.runs.run import Run, TaskAndModel
from harness.suites.order import Seconds


class TimeLeft:
    """The remaining time, updated whenever a run has ended.

    A future run is expected to take as long as the same model on the same task; else as long as on other tasks; else as
    long as an average run. Of a run that continues from a saved state only the rest counts. Runs in progress count as
    if they had just started, so the estimate is rather too long.

    Args:
        waiting: The runs to execute.
        seconds: The time of a model on a task in earlier runs, if recorded.
        workers: Number of concurrent runs.
        done: The share of a run's steps that are in its saved state, by folder.
    """

    def __init__(
        self,
        waiting: Sequence[Run],
        seconds: Seconds,
        *,
        workers: int,
        done: Mapping[Path, float] | None = None,
    ) -> None:
        self._left = {run.folder: (run.task_and_model, 1 - (done or {}).get(run.folder, 0.0)) for run in waiting}
        self._seconds, self._workers = dict(seconds), workers

    def ended(self, run: Run, seconds: float | None) -> None:
        """Count a run that has ended.

        Args:
            run: The run.
            seconds: Its time; None: ignore it.
        """
        self._left.pop(run.folder, None)
        if seconds is not None:
            self._seconds[run.task_and_model] = seconds

    def seconds(self) -> float | None:
        """The remaining time; None until the time of any run is known."""
        if not self._seconds:
            return None
        expected = self._expected()
        left = [expected[which] * share for which, share in self._left.values()]
        return max(sum(left) / self._workers, max(left, default=0.0))

    def _expected(self) -> dict[TaskAndModel, float]:
        """The expected time of each kind of remaining run."""
        by_model = defaultdict[str, list[float]](list)
        for (_, model), seconds in self._seconds.items():
            by_model[model].append(seconds)
        means = {model: fmean(found) for model, found in by_model.items()}
        average = fmean(self._seconds.values())
        kinds = {which for which, _ in self._left.values()}
        return {which: self._seconds.get(which) or means.get(which[1], average) for which in kinds}


def shares_done(waiting: Sequence[Run], planned: Sequence[Run]) -> dict[Path, float]:
    """The share of each run's steps that are in its saved state, by folder, if a run of the same kind is recorded.

    Args:
        waiting: The runs to execute.
        planned: Runs that may be recorded.
    """
    steps = {run.folder: run.saved_step for run in waiting}
    begun = [run for run in waiting if steps[run.folder]]
    kinds: dict[TaskAndModel, list[Run]] = {run.task_and_model: [] for run in begun}
    for run in planned if begun else ():
        if (alike := kinds.get(run.task_and_model)) is not None:
            alike.append(run)
    whole = {which: _recorded_steps(alike) for which, alike in kinds.items()}
    return {run.folder: min(steps[run.folder] / most, 1.0) for run in begun if (most := whole[run.task_and_model])}


def _recorded_steps(runs: Sequence[Run]) -> int:
    """The number of steps of the first run with a learning curve; 0 if there is none."""
    for run in runs:
        record = run.record_if_any()
        if record is not None and record.curve:
            return record.curve[-1].step
    return 0
