"""Callbacks for the progress of a run. Imports nothing heavy."""

from __future__ import annotations

from typing import Protocol, SupportsFloat

from harness.record import CurvePoint


class Callbacks(Protocol):
    """Callbacks for the progress of a run."""

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Called after an optimiser step on `items` items. Reading a loss on a GPU waits for the GPU."""

    def on_evaluate(self, point: CurvePoint) -> None:
        """Called after the validation split was scored."""
