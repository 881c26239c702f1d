"""Log settings and metrics of runs to accelerate's trackers."""

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


def check_tracker(name: str) -> None:
    """Reject a tracker that is not available before a run starts, as accelerate would silently ignore it.

    Raises:
        UserError: If there is no such tracker, or its package is not installed.
    """
    if name not in LOGGER_TYPE_TO_CLASS:
        raise UserError(f"--track {name}: no such tracker.{nearest(name, map(str, LOGGER_TYPE_TO_CLASS))}")
    if name not in map(str, get_available_trackers()):
        package = name.replace("_", "-")
        raise UserError(f"--track {name}: its package is not installed. Install it: pip install {package}.")


@dataclass(frozen=True)
class Tracking:
    """Callbacks that call other callbacks, and log metrics by optimiser step if there are trackers.

    Attributes:
        callbacks: The other callbacks.
        accelerator: The accelerator with the trackers; None if nothing is tracked.
    """

    callbacks: Callbacks
    accelerator: Accelerator | None = None

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Log the loss of the step as train/loss."""
        self.callbacks.on_step(step, steps, loss=loss, items=items)
        if self.accelerator is not None:
            self.accelerator.log({"train/loss": float(loss)}, step=step)

    def on_evaluate(self, point: CurvePoint) -> None:
        """Log loss and scores on validation as validation/loss, validation/accuracy and so on."""
        self.callbacks.on_evaluate(point)
        if self.accelerator is not None:
            scores = {f"validation/{name}": value for name, value in point.measured.items()}
            self.accelerator.log({"validation/loss": point.validation_loss, **scores}, step=point.step)

    def log_end(self, record: RunRecord, intervals: Mapping[str, tuple[float, float]]) -> None:
        """Log the results of the run: scores with intervals, counts and cost."""
        if self.accelerator is not None:
            step = record.curve[-1].step if record.curve else 0
            self.accelerator.log(summary(record, intervals), step=step)


def summary(record: RunRecord, intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return a record's final numbers by name, such as final/test/accuracy/low and cost/seconds/train."""
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
    """Flatten nested tables, such as to {"training.epochs": 3}. Lists are converted to JSON."""
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
    """Start the accelerator's trackers, if any, and finish them after the run.

    Args:
        callbacks: The callbacks of the run.
        accelerator: The accelerator of the run; None if nothing is tracked.
        project: The project name in trackers.
        run: The name of the run, for trackers that name runs.
        settings: The settings of the run, as nested tables.

    Raises:
        UserError: If a tracker cannot start.
    """
    if accelerator is None or not accelerator.log_with:
        yield Tracking(callbacks)
        return
    named = {"mlflow": {"run_name": run}, "trackio": {"name": run}, "wandb": {"name": run}}
    try:
        accelerator.init_trackers(project, config=flattened(settings, between="."), init_kwargs=named)
    except Exception as error:  # Trackers raise anything: the package may be too old, or the server unavailable.
        tracker = accelerator.log_with[0]
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(
            f"--track {tracker}: it can't start ({reason:.300}). Update its package, check its settings, "
            "or leave --track out."
        ) from error
    try:
        yield Tracking(callbacks, accelerator)
    finally:
        # accelerator.end_training() would also disconnect the processes, which are needed for the next run.
        for tracker in accelerator.trackers:
            tracker.finish()
