"""What a person sees of runs under way: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.record import CurvePoint
from harness.training.callbacks import Callbacks

PLAIN_SECONDS = 10.0


class Row(Callbacks, Protocol):
    """Callbacks of one run."""


class Board(Protocol):
    """Shows the runs under way, and how many are done; `with` shows and hides it."""

    def begin(self, title: str) -> Row:
        """The row of a run that begins."""

    def end(self, row: Row) -> None:
        """Take away the row of a run that has ended."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Speed:
    """Items a second, smoothed."""

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


class _Bar:
    """A run's bar, with loss and speed."""

    def __init__(self, title: str, progress: Progress) -> None:
        self._speed, self._validated, self._progress = Speed(), "", progress
        self.task = progress.add_task(title, total=None, facts="preparing")

    def on_step(self, step: int, steps: int, *, loss: float, items: int) -> None:
        """Move the bar."""
        facts = f"loss {loss:.3f} · {self._speed.count(items):.0f} examples/s{self._validated}"
        self._progress.update(self.task, completed=step, total=steps, facts=facts)

    def on_evaluate(self, point: CurvePoint) -> None:
        """Show the validation scores beside the loss from now on."""
        name, value = next(iter(point.validation_scores.items()))
        self._validated = f" · validation {name} {value:.3f}"


class Bars:
    """One bar per run under way, and, of several runs, one for the whole."""

    def __init__(self, planned: int, console: Console) -> None:
        self._begun, self._planned = 0, planned
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._whole = self._progress.add_task("runs", total=planned, facts="", visible=planned > 1)

    def begin(self, title: str) -> Row:
        """A bar for the run."""
        self._begun += 1
        return _Bar(f"[{self._begun}/{self._planned}] {title}", self._progress)

    def end(self, row: Row) -> None:
        """Take the run's bar away, and move that of the whole."""
        assert isinstance(row, _Bar), "what `begin` gave"
        self._progress.remove_task(row.task)
        self._progress.advance(self._whole)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class _Line:
    """Lines about one run, now and then."""

    def __init__(self, title: str, console: Console) -> None:
        self._title, self._console = title, console
        self._speed, self._said = Speed(), time.monotonic()
        self._first: tuple[int, float] | None = None  # Step and time: a run that goes on began long before.

    def on_step(self, step: int, steps: int, *, loss: float, items: int) -> None:
        """Say how far it is, every ten seconds."""
        rate, now = self._speed.count(items), time.monotonic()
        self._first = self._first or (step, now)
        if now - self._said >= PLAIN_SECONDS:
            self._said = now
            left = (now - self._first[1]) / max(step - self._first[0], 1) * (steps - step)
            self._say(f"step {step}/{steps}  loss {loss:.3f}  {rate:.0f} examples/s  {left:.0f} s left")

    def on_evaluate(self, point: CurvePoint) -> None:
        """Say the validation scores."""
        scores = "  ".join(f"{name} {value:.4f}" for name, value in point.validation_scores.items())
        losses = f"train loss {point.train_loss:.3f}  validation loss {point.validation_loss:.3f}"
        self._say(f"step {point.step} (epoch {point.epoch:.2f})  {losses}  {scores}")

    def _say(self, text: str) -> None:
        self._console.print(f"  {self._title}: {text}", soft_wrap=True)


class Lines:
    """Lines for logs, each with its run."""

    def __init__(self, planned: int, console: Console) -> None:
        self._begun, self._planned, self._console = 0, planned, console

    def begin(self, title: str) -> Row:
        """What says lines about the run."""
        self._begun += 1
        return _Line(f"[{self._begun}/{self._planned}] {title}", self._console)

    def end(self, row: Row) -> None:
        """Say nothing: the run's result will be said."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


def board(planned: int, console: Console) -> Board:
    """Bars where there is a terminal, lines where there is none."""
    return Bars(planned, console) if console.is_terminal else Lines(planned, console)
