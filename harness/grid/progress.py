"""What a person sees of a run under way: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.record import CurvePoint

PLAIN_SECONDS = 10.0


class View(Protocol):
    """A watcher of one cell."""

    def stepped(self, step: int, steps: int, *, loss: float, items: int) -> None: ...  # noqa: D102
    def evaluated(self, point: CurvePoint) -> None: ...  # noqa: D102
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


class Bar:
    """A progress bar with loss, speed and time left."""

    def __init__(self, title: str, console: Console) -> None:
        self._speed = Speed()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(title, total=None, facts="preparing")
        self._validated = ""

    def stepped(self, step: int, steps: int, *, loss: float, items: int) -> None:
        """Move the bar."""
        facts = f"loss {loss:.3f} · {self._speed.count(items):.0f} examples/s{self._validated}"
        self._progress.update(self._task, completed=step, total=steps, facts=facts)

    def evaluated(self, point: CurvePoint) -> None:
        """Show the validation scores beside the loss from now on."""
        name, value = next(iter(point.validation_scores.items()))
        self._validated = f" · validation {name} {value:.3f}"

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class Lines:
    """A line now and then, for logs."""

    def __init__(self, title: str, console: Console) -> None:
        self._title, self._console = title, console
        self._speed, self._said = Speed(), time.monotonic()

    def stepped(self, step: int, steps: int, *, loss: float, items: int) -> None:
        """Say how far it is, every ten seconds."""
        rate, now = self._speed.count(items), time.monotonic()
        if now - self._said >= PLAIN_SECONDS:
            self._said = now
            left = (steps - step) * items / max(rate, 1e-6)
            self._say(f"step {step}/{steps}  loss {loss:.3f}  {rate:.0f} examples/s  {left:.0f} s left")

    def evaluated(self, point: CurvePoint) -> None:
        """Say the validation scores."""
        scores = "  ".join(f"{name} {value:.4f}" for name, value in point.validation_scores.items())
        losses = f"train loss {point.train_loss:.3f}  validation loss {point.validation_loss:.3f}"
        self._say(f"step {point.step} (epoch {point.epoch:.2f})  {losses}  {scores}")

    def _say(self, text: str) -> None:
        self._console.print(f"  {self._title}: {text}", highlight=False, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


def view(title: str, console: Console) -> View:
    """A bar where there is a terminal, lines where there is none."""
    return Bar(title, console) if console.is_terminal else Lines(title, console)
