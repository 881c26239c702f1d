"""Running a suite of one task within a time: model by model, as long as what each is expected to take still fits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from rich.text import Text

from harness.cli.planning import foreseen
from harness.cli.sequential import looks_at, next_runs
from harness.comparison.formatting import duration
from harness.comparison.wording import listed
from harness.record import RECORD, read_record
from harness.registry import is_simple_baseline
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


class OutOfTime(BaseException):
    """The time is over. Like Ctrl-C it is no failure of the run that it stops, so that nothing may catch it as one."""


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Stop what is under way once so many seconds are over; in the main thread, of a POSIX system, as Ctrl-C is.

    Raises:
        OutOfTime: They are.
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
    """What is run of a suite of one task within a time, and what is left.

    A model is begun where all that it takes until it can be compared is expected to fit, since half of it tells
    nothing. What still runs when the time is over is stopped; its state stays for the next command.

    Attributes:
        suite: The suite.
        runs: The folder of all runs.
        ends: When the time is over, on time.monotonic's clock.
        options: How to run.
        console: Where to say what happens.
        workers: Processes that take runs side by side; None: as many as suit the machine.
        waiting: The runs of models that were not begun, by model, in the order in which time is given to them.
        begun: Those of the others.
        tally: What became of the runs so far.
        tried: Folders of the runs that were begun.
        is_paced: Whether another suite's runs, which were made just now, show how fast the machine is today.
        sort: What the runs are called where there are others, such as "short runs of "; empty: nothing.
    """

    suite: Suite
    runs: Path
    ends: float
    options: Options
    console: Console
    workers: int | None
    waiting: dict[str, list[Run]]
    tally: Tally
    begun: dict[str, list[Run]] = field(default_factory=dict)
    tried: set[Path] = field(default_factory=set)
    is_paced: bool = False
    sort: str = ""

    @property
    def left(self) -> float:
        """Seconds."""
        return self.ends - time.monotonic()

    @property
    def has_answer(self) -> bool:
        """Whether a trained model has all runs without which nothing is claimed of it."""
        every = [*self.waiting.values(), *self.begun.values()]
        return any(not _is_simple(runs) and all(run.state() in DONE for run in self._first(runs)) for runs in every)

    @property
    def first_of_trained(self) -> list[Run]:
        """The runs of the first look of trained models that were not begun."""
        return [run for runs in self.waiting.values() if not _is_simple(runs) for run in self._first(runs)]

    @property
    def shows_pace(self) -> bool:
        """Whether runs that were made just now show how fast the machine is today."""
        trained = [run for runs in self.begun.values() if not _is_simple(runs) for run in runs]
        return self.is_paced or any(run.state() in DONE for run in trained)

    @property
    def is_too_short(self) -> bool:
        """Whether no trained model is certain to be compared in time, even at the upper end of the forecast."""
        return self._soonest("high") > max(self.left, 0.0)

    @property
    def may_answer(self) -> bool:
        """Whether a trained model that was not begun is likely to be compared in time."""
        return any(not _is_simple(runs) for runs in self.waiting.values()) and self._soonest("about") <= self.left

    def only_trained(self) -> None:
        """Leave the simple baselines out, as others have answered for them."""
        self.waiting = {model: runs for model, runs in self.waiting.items() if not _is_simple(runs)}

    def run(self) -> list[str]:
        """Run the simple baselines, and of the other models what there is time for; what is left, in sentences."""
        for model in [model for model, runs in self.waiting.items() if _is_simple(runs)]:
            self._begin(model)
        self._execute(self._of_this_look())
        for model in [model for model, runs in self.waiting.items() if any(map(_is_recorded, runs))]:
            self._begin(model)
        try:
            with stopped_after(self.left):
                while self.left > 0 and (batch := self._next()):
                    self._execute(batch)
        except OutOfTime:
            pass  # The runs that it stopped are told of with the others.
        return list(self.what_is_left())

    def _next(self) -> list[Run]:
        """The runs that come next: of models that were begun, else of further models, else more seeds of each."""
        if left := self._of_this_look():
            return left
        for model in self._models_that_fit():
            self._begin(model)
        return self._of_this_look() or self._of_next_look()

    def _models_that_fit(self) -> list[str]:
        """Models to begin: the quickest first, which shows how fast the machine is today; then all that fit, in order.

        The first is begun whether it fits or not, rather than that the time is not used.
        """
        expected = {model: self._expected(model) for model in self.waiting}
        if expected and all(map(_is_simple, self.begun.values())):
            fitting = [min(expected, key=expected.__getitem__)]
        else:
            fitting = _fitting(expected, self.left)
        for model in fitting:
            about = f", about {duration(expected[model])}" if expected[model] else ""
            self._say(f"{model}: {_seeds(self._first(self.waiting[model]))}{about}; {duration(self.left)} left.")
        return fitting

    def _begin(self, model: str) -> None:
        """Count the model as begun, with the recipe that its trials choose if it has any."""
        runs = self.begun[model] = self.waiting.pop(model)
        known, tried, _ = execute_trials(runs, self.suite.tuning, self.options, self.console, workers=self.workers)
        self.begun[model], self.tally = known, self.tally.with_others(tried)

    def _execute(self, batch: Sequence[Run]) -> None:
        from harness.suites.runner import Tally, execute_runs  # noqa: PLC0415 -- heavy

        self.tried.update(run.folder for run in batch)
        new = [run for run in batch if run.state() not in DONE]
        if not new:
            return
        failed_before = {run.folder for run in new if run.state() == "failed"}
        try:
            ended = execute_runs(new, self.options, self.console, workers=self.workers)
        except OutOfTime:
            ended = Tally()
            for run in new:
                if run.state() == "failed" and run.folder not in failed_before:
                    ended.count(Attempt(record=read_record(run.folder / RECORD)))
            self.tally = self.tally.with_others(ended)
            raise
        self.tally = self.tally.with_others(ended)

    def _of_this_look(self) -> list[Run]:
        """Runs of models that were begun, without which nothing is claimed of them."""
        return [run for runs in self.begun.values() for run in self._first(runs) if run.folder not in self.tried]

    def _of_next_look(self) -> list[Run]:
        """More seeds of each, where the comparison asks for them and they fit."""
        runs = self._more_seeds()
        return runs if runs and self._seconds_of(runs) <= self.left else []

    def _more_seeds(self) -> list[Run]:
        if self.suite.rule is None:
            return []
        known = [run for runs in self.begun.values() for run in runs]
        return next_runs(known, looks_at(self.runs / self.suite.name, self.suite), self.suite.rule, tried=self.tried)

    def _first(self, runs: Sequence[Run]) -> list[Run]:
        """Those of the first look."""
        rule = self.suite.rule
        return [run for run in runs if rule is None or run.config.seed in rule.seeds[: rule.looks[0]]]

    def _asked_for(self, runs: Sequence[Run]) -> list[Run]:
        """Those of the first look, and further ones that were begun."""
        first = {run.folder for run in self._first(runs)}
        return [run for run in runs if run.folder in first | self.tried]

    def _soonest(self, end: End) -> float:
        """Seconds until the first trained model that was not begun can be compared; 0 if there is none."""
        trained = [model for model, runs in self.waiting.items() if not _is_simple(runs)]
        return min((self._expected(model, end=end) for model in trained), default=0.0)

    def _expected(self, model: str, *, end: End = "about") -> float:
        """Seconds until a model that was not begun can be compared; 0 where nothing is known of it.

        Args:
            model: The model.
            end: Of what is foreseen, what is likeliest, or the most that is likely.
        """
        first = self._first(self.waiting[model])
        missing = [run for run in first if run.state() not in DONE]
        trials = 0 if self.suite.tuning is None else self.suite.tuning.trials
        # How long runs take that were made on this busy machine has that in itself.
        return (
            (1.0 if self.shows_pace else busy())
            * self._seconds_of(missing, end=end)
            * (len(first) + trials)
            / len(first)
        )

    def _seconds_of(self, batch: Sequence[Run], *, end: End = "about") -> float:
        if not batch:
            return 0.0
        plan = foreseen(batch, ["new"] * len(batch), runs=self.runs, rule=None, workers=self.workers)
        found: float = getattr(wall_seconds(plan.seconds, len(plan.slots)), end)
        return found

    def what_is_left(self) -> Iterator[str]:
        """What there was no time for, in sentences; nothing where all is done."""
        lacking = {model: [run for run in self._asked_for(runs) if _is_open(run)] for model, runs in self.begun.items()}
        stopped = [f"{model} ({_seeds(runs)})" for model, runs in lacking.items() if runs]
        if stopped:
            yield f"Time ran out before these finished: {self.sort}{listed(stopped)}."
        if self.waiting:
            known = [(model, self._expected(model)) for model in self.waiting]
            names = [f"{model} (about {duration(seconds)})" if seconds else model for model, seconds in known]
            yield f"Not tried, for lack of time: {self.sort}{listed(names)}."
        if not stopped and (more := self._more_seeds()):
            yield f"More seeds would take about {duration(self._seconds_of(more))}."

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


def _fitting(expected: Mapping[str, float], seconds: float) -> list[str]:
    """The models that fit into so many seconds together, each taken in turn if it still does."""
    found: list[str] = []
    for model, one in expected.items():
        if one <= seconds:
            found.append(model)
            seconds -= one
    return found


def busy() -> float:
    """How many times as long a run takes, since so many processes want to share the processors."""
    cores = this_machine().cores
    return max((os.getloadavg()[0] + 1) / cores, 1.0)


def _is_simple(runs: Sequence[Run]) -> bool:
    return all(is_simple_baseline(run.config.model.family or "") for run in runs)


def _is_recorded(run: Run) -> bool:
    return (run.folder / RECORD).exists() and not run.is_redone


def _is_open(run: Run) -> bool:
    return run.state() in ("new", "unfinished")


def _seeds(runs: Sequence[Run]) -> str:
    return f"{len(runs)} seed{'' if len(runs) == 1 else 's'}"
