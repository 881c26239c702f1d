"""Who is told how a run gets on; nothing heavy is imported."""

from __future__ import annotations

from typing import Protocol, SupportsFloat

from harness.record import CurvePoint


class Callbacks(Protocol):
    """Who is told how a run gets on."""

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """An optimiser step was taken on `items` items. Who reads the loss of a GPU waits for it."""

    def on_evaluate(self, point: CurvePoint) -> None:
        """The validation split was scored."""
