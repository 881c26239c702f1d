"""Progress of runs: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Protocol, Self, SupportsFloat

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from harness.record import CurvePoint
from harness.training.callbacks import Callbacks

PLAIN_SECONDS = 10.0
DRAWN_SECONDS = 0.1
Row = Callbacks
"""The display of one run."""


class Board(Protocol):
    """Displays running and completed runs; a context manager that shows and hides the display."""

    def begin(self, title: str) -> Row:
        """Add a row for a run that starts."""

    def end(self, row: Row) -> None:
        """Remove the row of a run that has ended."""

    def start(self, workers: int) -> None:
        """Report that workers are starting, which takes a while."""

    def expect(self, seconds: float | None) -> None:
        """Report the remaining time of all runs; None if unknown."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class Speed:
    """Items per second, smoothed."""

    def __init__(self) -> None:
        self.rate = 0.0
        self._last = time.monotonic()

    def count(self, items: int) -> float:
        """The rate after `items` more."""
        now = time.monotonic()
        rate = items / max(now - self._last, 1e-6)
        self.rate = rate if self.rate == 0.0 else 0.9 * self.rate + 0.1 * rate
        self._last = now
        return self.rate


class _TimeLeft(ProgressColumn):
    """The forecast, counted down; otherwise rich's estimate from the steps so far."""

    def render(self, task: Task) -> Text:
        foreseen: tuple[float, float] | None = task.fields.get("foreseen")
        seconds = task.time_remaining if foreseen is None else foreseen[0] - (time.monotonic() - foreseen[1])
        return Text("" if seconds is None else f"{_clock(seconds)} left", style="cyan")


def _clock(seconds: float) -> str:
    """Format seconds, such as 0:02:05."""
    return str(timedelta(seconds=max(round(seconds), 1)))


BESIDE = 49
"""Characters of a bar's line that its title can't have: the bar, percentage, facts, time left, and blanks between."""


class _Title(ProgressColumn):
    """The title of a run, with its longest names cut rather than its seed."""

    def __init__(self, console: Console) -> None:
        super().__init__(_column(ratio=1, overflow="ellipsis"))
        self._console = console

    def render(self, task: Task) -> Text:
        return Text(fitted(task.description, self._console.width - BESIDE))


def fitted(title: str, width: int) -> str:
    """Cut the longest names of a title, to the same length, so that it has at most `width` characters if possible.

    >>> fitted("[5/20] rotten_tomatoes · bert-mini · seed 0", 31)
    '[5/20] rotte… · bert-… · seed 0'
    """
    place, bracket, names = title.partition("] ")
    for most in range(len(title), 1, -1):
        cut = " · ".join(name if len(name) <= most else f"{name[: most - 1]}…" for name in names.split(" · "))
        if len(place + bracket + cut) <= width:
            return place + bracket + cut
    return title


def _column(**settings: Any) -> Column:
    return Column(no_wrap=True, **settings)


class _Bar:
    """The progress bar of a run, with its loss and its last validation score."""

    def __init__(self, title: str, progress: Progress) -> None:
        self._validated, self._progress, self._moved = "", progress, 0.0
        self.task = progress.add_task(title, total=None, facts="preparing")

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Update the bar, at most as often as it is drawn."""
        if time.monotonic() - self._moved >= DRAWN_SECONDS or step == steps:
            self._moved = time.monotonic()
            facts = f"loss {float(loss):.3f}{self._validated}"
            self._progress.update(self.task, completed=step, total=steps, facts=facts)

    def on_evaluate(self, point: CurvePoint) -> None:
        """Show the main validation score next to the loss from now on."""
        self._validated = "".join(f" · {score:.3f}" for score in [*point.measured.values()][:1])


class Bars:
    """One bar per run in progress and, for several runs, one in total; each fits on one line."""

    def __init__(self, planned: int, console: Console) -> None:
        self._begun, self._planned = 0, planned
        self._progress = Progress(
            _Title(console),
            BarColumn(bar_width=10, table_column=_column(width=10)),
            TextColumn("{task.percentage:>3.0f} %", table_column=_column(width=5)),
            TextColumn("{task.fields[facts]}", markup=False, table_column=_column(width=18)),
            _TimeLeft(table_column=_column(width=12)),
            expand=True,
            console=console,
            transient=True,
        )
        self._whole = self._progress.add_task("runs", total=planned, facts=f"0 of {planned} done", visible=planned > 1)

    def start(self, workers: int) -> None:
        """Show it in the total bar until a run starts."""
        self._progress.update(self._whole, facts=f"starting {workers} workers")

    def expect(self, seconds: float | None) -> None:
        """Count the time down next to the total bar."""
        self._progress.update(self._whole, foreseen=None if seconds is None else (seconds, time.monotonic()))

    def begin(self, title: str) -> Row:
        """Add a bar for the run."""
        self._begun += 1
        self._say_done()
        return _Bar(f"[{self._begun}/{self._planned}] {title}", self._progress)

    def end(self, row: Row) -> None:
        """Remove the run's bar, and advance the total."""
        assert isinstance(row, _Bar), "what `begin` gave"
        self._progress.remove_task(row.task)
        self._progress.advance(self._whole)
        self._say_done()

    def _say_done(self) -> None:
        done = self._progress.tasks[self._progress.task_ids.index(self._whole)].completed
        self._progress.update(self._whole, facts=f"{done:.0f} of {self._planned} done")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()


class _Line:
    """Occasional lines about one run."""

    def __init__(self, title: str, console: Console) -> None:
        self._title, self._console = title, console
        self._speed, self._said = Speed(), time.monotonic()
        self._first: tuple[int, float] | None = None  # Step and time: a resumed run started long before.

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Print the progress every ten seconds."""
        rate, now = self._speed.count(items), time.monotonic()
        self._first = self._first or (step, now)
        if now - self._said >= PLAIN_SECONDS and step > self._first[0]:  # A single step gives no speed.
            self._said = now
            left = (now - self._first[1]) / (step - self._first[0]) * (steps - step)
            self._say(f"step {step}/{steps}  loss {float(loss):.3f}  {rate:.0f} examples/s  {left:.0f} s left")

    def on_evaluate(self, point: CurvePoint) -> None:
        """Print the validation scores."""
        scores = "  ".join(f"{name} {value:.4f}" for name, value in point.measured.items())
        losses = f"train loss {point.train_loss:.3f}  validation loss {point.validation_loss:.3f}"
        self._say(f"step {point.step} (epoch {point.epoch:.2f})  {losses}  {scores}")

    def _say(self, text: str) -> None:
        self._console.print(f"  {self._title}: {text}", soft_wrap=True)


class Lines:
    """Lines for logs, each naming its run."""

    def __init__(self, planned: int, console: Console) -> None:
        self._begun, self._ended, self._planned, self._console = 0, 0, planned, console

    def start(self, workers: int) -> None:
        """Print it."""
        self._console.print(f"Starting {workers} workers.", soft_wrap=True)

    def expect(self, seconds: float | None) -> None:
        """Print the number of completed runs and the remaining time; nothing for a single run."""
        if self._planned > 1 and 0 < self._ended < self._planned:
            left = "" if seconds is None else f", about {_clock(seconds)} left"
            self._console.print(f"  {self._ended} of {self._planned} runs done{left}.", soft_wrap=True)

    def begin(self, title: str) -> Row:
        """Return a printer of lines about the run."""
        self._begun += 1
        return _Line(f"[{self._begun}/{self._planned}] {title}", self._console)

    def end(self, row: Row) -> None:
        """Count it; its result is printed elsewhere."""
        self._ended += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return


def board(planned: int, console: Console) -> Board:
    """Bars in a terminal, lines elsewhere."""
    return Bars(planned, console) if console.is_terminal else Lines(planned, console)
