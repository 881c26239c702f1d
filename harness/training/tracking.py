"""Tracking: a run's settings and numbers, passed on to accelerate's trackers while it is under way and at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, SupportsFloat

from accelerate import Accelerator
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

from harness.errors import UserError, nearest
from harness.record import CurvePoint, RunRecord
from harness.training.callbacks import Callbacks

Setting = bool | int | float | str | None


@dataclass(frozen=True)
class Tracked:
    """Callbacks that pass on what they are told, and log it by optimiser step.

    Attributes:
        callbacks: Who else is told.
        accelerator: Whose trackers log.
    """

    callbacks: Callbacks
    accelerator: Accelerator

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Log the loss of the step's items as train/loss."""
        self.callbacks.on_step(step, steps, loss=loss, items=items)
        self.accelerator.log({"train/loss": float(loss)}, step=step)

    def on_evaluate(self, point: CurvePoint) -> None:
        """Log loss and scores of the validation split as validation/loss, validation/accuracy and so on."""
        self.callbacks.on_evaluate(point)
        scores = {f"validation/{name}": value for name, value in point.measured.items()}
        self.accelerator.log({"validation/loss": point.validation_loss, **scores}, step=point.step)


def check_tracker(name: str) -> None:
    """Refuse a tracker that would track nothing, before a run starts: accelerate leaves it out without a word.

    Raises:
        UserError: There is no tracker of this name, or its package is not installed.
    """
    if name not in LOGGER_TYPE_TO_CLASS:
        raise UserError(f"--track {name}: no such tracker.{nearest(name, map(str, LOGGER_TYPE_TO_CLASS))}")
    if name not in map(str, get_available_trackers()):
        package = name.replace("_", "-")
        raise UserError(f"--track {name}: its package is not installed. Install it: pip install {package}.")


@dataclass(frozen=True)
class Tracking:
    """What follows a run.

    Attributes:
        callbacks: Who is told of its steps and evaluations.
        accelerator: Whose trackers log; None: there is none.
    """

    callbacks: Callbacks
    accelerator: Accelerator | None = None

    def log_end(self, record: RunRecord, intervals: Mapping[str, tuple[float, float]]) -> None:
        """Log what the run came to: scores, the ends of their intervals, counts and cost.

        Args:
            record: Of the run that ended.
            intervals: Of its test scores, by metric.
        """
        if self.accelerator is not None:
            step = record.curve[-1].step if record.curve else 0
            self.accelerator.log(summary(record, intervals), step=step)


def summary(record: RunRecord, intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """A record's final numbers by name, such as final/test/accuracy, final/test/accuracy/low and cost/seconds/train."""
    scores = {f"final/{split}/{name}": value for split, of in record.scores.items() for name, value in of.items()}
    ends = {
        f"final/test/{name}/{end}": value
        for name, interval in intervals.items()
        for end, value in zip(("low", "high"), interval, strict=True)
    }
    cost = flattened({"cost": record.cost.model_dump(), "counts": {"parameters": record.counts.parameters}})
    best = {} if record.best_step is None else {"final/step": record.best_step}
    return {**scores, **ends, **best, **{name: value for name, value in cost.items() if isinstance(value, int | float)}}


def flattened(content: Mapping[str, Any], *, between: str = "/", before: str = "") -> dict[str, Setting]:
    """Nested tables as one, such as {"training.epochs": 3}; a list is written as JSON.

    Args:
        content: The tables.
        between: What joins the names.
        before: What every name begins with.
    """
    found: dict[str, Setting] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            found |= flattened(value, between=between, before=f"{before}{name}{between}")
        else:
            is_plain = value is None or isinstance(value, bool | int | float | str)
            found[f"{before}{name}"] = value if is_plain else json.dumps(value, ensure_ascii=False)
    return found


@contextmanager
def tracked(
    callbacks: Callbacks, accelerator: Accelerator | None, *, project: str, run: str, settings: Mapping[str, Any]
) -> Iterator[Tracking]:
    """What follows a run, which also logs if the accelerator was made with a tracker.

    Args:
        callbacks: Who is told of the run.
        accelerator: Made for the run; None: nothing is tracked.
        project: What trackers call the project.
        run: What they call the run, those that name runs.
        settings: What they note of the run, tables in tables.

    Raises:
        UserError: The tracker can't start.
    """
    if accelerator is None or not accelerator.log_with:
        yield Tracking(callbacks)
        return
    named = {"mlflow": {"run_name": run}, "trackio": {"name": run}, "wandb": {"name": run}}
    try:
        accelerator.init_trackers(project, config=flattened(settings, between="."), init_kwargs=named)
    except Exception as error:  # Any tracker's own: its package may be too old, its server away.
        tracker = accelerator.log_with[0]
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(
            f"--track {tracker}: it can't start ({reason:.300}). Update its package, check its settings, "
            "or leave --track out."
        ) from error
    try:
        yield Tracking(Tracked(callbacks, accelerator), accelerator)
    finally:
        # accelerator.end_training() would also part the processes, which have the next run before them.
        for tracker in accelerator.trackers:
            tracker.finish()
