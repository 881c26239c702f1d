"""Tracking: a run's numbers, passed on to accelerate's trackers while it is under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from accelerate import Accelerator
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

from harness.errors import UserError, nearest
from harness.record import CurvePoint
from harness.training.callbacks import Callbacks


@dataclass(frozen=True)
class Tracked:
    """Callbacks that pass on what they are told, and log it by optimiser step.

    Attributes:
        callbacks: Who else is told.
        accelerator: Whose trackers log.
    """

    callbacks: Callbacks
    accelerator: Accelerator

    def on_step(self, step: int, steps: int, *, loss: float, items: int) -> None:
        """Log the loss of the step's items as train/loss."""
        self.callbacks.on_step(step, steps, loss=loss, items=items)
        self.accelerator.log({"train/loss": loss}, step=step)

    def on_evaluate(self, point: CurvePoint) -> None:
        """Log loss and scores of the validation split as validation/loss, validation/accuracy and so on."""
        self.callbacks.on_evaluate(point)
        scores = {f"validation/{name}": value for name, value in point.validation_scores.items()}
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


@contextmanager
def tracked(
    callbacks: Callbacks, accelerator: Accelerator, *, name: str, facts: Mapping[str, str]
) -> Iterator[Callbacks]:
    """The callbacks, which also log if the accelerator was made with a tracker.

    Args:
        callbacks: Who is told of the run.
        accelerator: Made for the run.
        name: What trackers call the project.
        facts: What they note of the run.
    """
    if not accelerator.log_with:
        yield callbacks
        return
    accelerator.init_trackers(name, config=dict(facts))
    try:
        yield Tracked(callbacks, accelerator)
    finally:
        # accelerator.end_training() would also part the processes, which have the next run before them.
        for tracker in accelerator.trackers:
            tracker.finish()
