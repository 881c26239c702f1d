"""How a run is to be made; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what: nothing here changes a result.

    Attributes:
        redo: Replace what an earlier run left.
        track: One of accelerate's trackers, such as "tensorboard".
        checkpoint_seconds: How often the state of a run under way is saved.
        command: What the user typed for it, which the record keeps.
    """

    redo: bool = False
    track: str | None = None
    checkpoint_seconds: float = 120.0
    command: tuple[str, ...] = ()
