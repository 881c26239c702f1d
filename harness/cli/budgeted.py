"""Run a suite of one task within a time limit: model by model, as long as the expected time of each still fits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from harness.cli.planning import foreseen
from harness.cli.sequential import looks_at, next_runs
from harness.comparison.formatting import duration
from harness.comparison.wording import listed
from harness.counted import counted
from harness.output import say
from harness.record import RECORD, read_record
from harness.runs.run import Run
from harness.suites.ended import DONE, Attempt
from harness.suites.forecast import wall_seconds
from harness.suites.suite import Suite
from harness.suites.trials import execute_trials
from harness.suites.worker_slots import this_machine

if TYPE_CHECKING:
    from rich.console import Console

    from harness.runs.options import Options
    from harness.suites.runner import Tally

End = Literal["about", "high"]
GRACE = 60.0


class OutOfTime(BaseException):
    """The time is over. Like Ctrl-C this is no failure of the interrupted run, so nothing may catch it as one."""


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Interrupt the block after a number of seconds; in the main thread, on POSIX, like Ctrl-C.

    Raises:
        OutOfTime: If the time is over.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would mean never.
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Budgeted:
    """The runs of a one-task suite within a time limit, and what is left.

    A model is started if everything until its comparison is expected to fit, because half of it is of no use. Runs that
    are still in progress when the time is over are stopped; their state is kept for the next command. Simple
    baselines come first: they take seconds unless texts are long, and have no state.

    Attributes:
        suite: The suite.
        runs: The folder of all runs.
        ends: The end of the time, on time.monotonic's clock.
        options: How to run.
        console: Where to print.
        waiting: The runs of models that were not started, by model, in the order in which they get time.
        begun: The runs of the other models.
        tally: The outcomes so far.
        tried: Folders of the runs that were started.
        is_paced: Whether another suite's recent runs show how fast the machine is today.
        sort: How the runs are called if there are others, such as "short runs"; may be empty.
        grace: Seconds that the simple baselines have if less time is left, so that something has a score.
    """

    suite: Suite
    runs: Path
    ends: float
    options: Options
    console: Console
    waiting: dict[str, list[Run]]
    tally: Tally
    begun: dict[str, list[Run]] = field(default_factory=dict)
    tried: set[Path] = field(default_factory=set)
    is_paced: bool = False
    sort: str = ""
    grace: float = GRACE

    @property
    def _prefix(self) -> str:
        return f"{self.sort} of " if self.sort else ""

    @property
    def left(self) -> float:
        """The remaining seconds."""
        return self.ends - time.monotonic()

    @property
    def has_answer(self) -> bool:
        """Whether a trained model has all runs needed for claims about it."""
        every = [*self.waiting.values(), *self.begun.values()]
        return any(not _is_simple(runs) and all(run.state() in DONE for run in self._first(runs)) for runs in every)

    @property
    def first_of_trained(self) -> list[Run]:
        """The runs of the first look of trained models that were not started."""
        return [run for runs in self.waiting.values() if not _is_simple(runs) for run in self._first(runs)]

    @property
    def shows_pace(self) -> bool:
        """Whether recent runs show how fast the machine is today."""
        trained = [run for runs in self.begun.values() if not _is_simple(runs) for run in runs]
        return self.is_paced or any(run.state() in DONE for run in trained)

    @property
    def is_too_short(self) -> bool:
        """Whether no trained model is certain to be compared in time: the upper end of every forecast is too late."""
        trained = [model for model, runs in self.waiting.items() if not _is_simple(runs)]
        return min((self._expected(model, end="high") for model in trained), default=0.0) > max(self.left, 0.0)

    def only_trained(self) -> None:
        """Leave out the simple baselines, because other runs cover them."""
        self.waiting = {model: runs for model, runs in self.waiting.items() if not _is_simple(runs)}

    def run(self) -> list[str]:
        """Run the simple baselines and as many other models as time allows; return sentences about what is left."""
        before = [model for model, runs in self.waiting.items() if not _is_simple(runs) and any(map(_has_begun, runs))]
        try:
            with stopped_after(max(self.left, self.grace)):
                self._begin([model for model, runs in self.waiting.items() if _is_simple(runs)])
                self._execute(self._of_this_look())
            with stopped_after(self.left):
                self._begin(before)
                while self.left > 0 and (batch := self._next()):
                    self._execute(batch)
        except OutOfTime:
            pass  # The runs that it stopped are reported with the others.
        # Those that only an earlier command began are not untried either.
        self.begun |= {model: self.waiting.pop(model) for model in before if model in self.waiting}
        return list(self.what_is_left())

    def _next(self) -> list[Run]:
        """The next runs: those of models that were started, else of further models, else more seeds of each."""
        if left := self._of_this_look():
            return left
        self._begin(self._models_that_fit())
        return self._of_this_look() or self._of_next_look()

    def _models_that_fit(self) -> list[str]:
        """Models to start: first the quickest, which shows how fast the machine is today; then all that fit, in order.

        If the pace is known, it is all that fit from the start. One model is started even if it may not fit, so that
        the time is used.
        """
        expected = {model: self._expected(model) for model in self.waiting}
        fitting = _fitting(expected, self.left)
        if expected and all(map(_is_simple, self.begun.values())):
            quickest = min(expected, key=lambda model: expected[model] or inf)
            fitting = (fitting or [next(iter(expected))]) if self.is_paced else [quickest]
        for model in fitting:
            about = f", about {duration(expected[model])}" if expected[model] else ""
            say(
                self.console,
                f"{self._prefix}{model}: {counted(len(self._first(self.waiting[model])), 'seed')}{about}; "
                f"{duration(self.left)} left.",
            )
        return fitting

    def _begin(self, models: Sequence[str]) -> None:
        """Count the models as started, with the recipes that their trials choose, if any."""
        for model in models:
            runs = self.begun[model] = self.waiting.pop(model)
            known, tried, _ = execute_trials(runs, self.suite.tuning, self.options, self.console)
            self.begun[model], self.tally = known, self.tally.with_others(tried)

    def _execute(self, batch: Sequence[Run]) -> None:
        from harness.suites.runner import Tally, execute_runs  # noqa: PLC0415 -- heavy

        self.tried.update(run.folder for run in batch)
        new = [run for run in batch if run.state() not in DONE]
        if not new:
            return
        failed_before = {run.folder for run in new if run.state() == "failed"}
        try:
            ended = execute_runs(new, self.options, self.console)
        except OutOfTime:
            ended = Tally()
            for run in new:
                if run.state() == "failed" and run.folder not in failed_before:
                    ended.count(Attempt(record=read_record(run.folder / RECORD)))
            self.tally = self.tally.with_others(ended)
            raise
        self.tally = self.tally.with_others(ended)

    def _of_this_look(self) -> list[Run]:
        """Runs of started models that are needed for claims about them."""
        return [run for runs in self.begun.values() for run in self._first(runs) if run.folder not in self.tried]

    def _of_next_look(self) -> list[Run]:
        """More seeds of each model, if the comparison requires them and they fit."""
        runs = self._more_seeds()
        return runs if runs and self._seconds_of(runs) <= self.left else []

    def _more_seeds(self) -> list[Run]:
        if self.suite.rule is None:
            return []
        known = [run for runs in self.begun.values() for run in runs]
        return next_runs(known, looks_at(self.runs / self.suite.name, self.suite), self.suite.rule, tried=self.tried)

    def _first(self, runs: Sequence[Run]) -> list[Run]:
        """The runs of the first look."""
        rule = self.suite.rule
        return [run for run in runs if rule is None or run.config.seed in rule.seeds[: rule.looks[0]]]

    def _asked_for(self, runs: Sequence[Run]) -> list[Run]:
        """The runs of the first look, and further ones that were started."""
        first = {run.folder for run in self._first(runs)}
        return [run for run in runs if run.folder in first | self.tried]

    def _expected(self, model: str, *, end: End = "about") -> float:
        """Seconds until a model that was not started can be compared.

        Args:
            model: The model.
            end: Which value of the forecast to use, the most likely or the maximum; 0 or infinity if unknown.
        """
        first = self._first(self.waiting[model])
        missing = [run for run in first if run.state() not in DONE]
        trials = 0 if self.suite.tuning is None else self.suite.tuning.trials
        slower = 1.0 if self.shows_pace else busy()  # Times of runs made on this busy machine already include that.
        return slower * self._seconds_of(missing, end=end) * (len(first) + trials) / len(first)

    def _seconds_of(self, batch: Sequence[Run], *, end: End = "about") -> float:
        if not batch:
            return 0.0
        plan = foreseen(batch, ["new"] * len(batch), runs=self.runs, rule=None, workers=self.options.workers)
        if end == "high" and any(run.seconds is None for run in plan.runs.values()):
            return inf  # Nothing is certain to end in time.
        return float(getattr(wall_seconds(plan.seconds, len(plan.slots)), end))

    def what_is_left(self) -> Iterator[str]:
        """Sentences about what did not fit; empty if everything is done."""
        lacking = {model: [run for run in self._asked_for(runs) if _is_open(run)] for model, runs in self.begun.items()}
        stopped = [f"{model} ({counted(len(runs), 'seed')})" for model, runs in lacking.items() if runs]
        if stopped:
            yield f"Time ran out before these finished: {self._prefix}{listed(stopped)}."
        if self.waiting:
            known = [(model, self._expected(model)) for model in self.waiting]
            names = [f"{model} (about {duration(seconds)})" if seconds else model for model, seconds in known]
            yield f"Not tried, for lack of time: {self._prefix}{listed(names)}."
        if not stopped and (more := self._more_seeds()):
            which = f" of {self.sort}" if self.sort else ""
            yield f"More seeds{which} would take about {duration(self._seconds_of(more))}."


def _fitting(expected: Mapping[str, float], seconds: float) -> list[str]:
    """The models that together fit into the seconds, each taken in turn if it still fits."""
    found: list[str] = []
    for model, one in expected.items():
        if one <= seconds:
            found.append(model)
            seconds -= one
    return found


def busy() -> float:
    """The factor by which runs slow down because this many processes share the CPUs."""
    cores = this_machine().cores
    return max((os.getloadavg()[0] + 1) / cores, 1.0)


def _is_simple(runs: Sequence[Run]) -> bool:
    return all(run.config.model.is_simple_baseline for run in runs)


def _has_begun(run: Run) -> bool:
    """Return whether an earlier command recorded the run, or saved its state when it was stopped."""
    return run.saved_step > 0 or ((run.folder / RECORD).exists() and not run.is_redone)


def _is_open(run: Run) -> bool:
    return run.state() in ("new", "unfinished")
