"""A text and the one that should follow from it; what a model writes in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SequencePair:
    """A source and its target, such as a sentence and its translation.

    Attributes:
        id: Unique within its split.
        source: What is read.
        target: What is to be written.
        group: Examples that share a group depend on each other. Empty: independent.
    """

    id: str
    source: str
    target: str
    group: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Source and target."""
        return (self.source, self.target)

    @property
    def every_text(self) -> tuple[str, ...]:
        """The same."""
        return self.parts

    @property
    def label_indices(self) -> tuple[int, ...]:
        """None: a text is no label."""
        return ()

    def relabelled(self, _places: Mapping[int, int]) -> SequencePair:
        """The same: it has no labels."""
        return self


@dataclass(frozen=True, slots=True)
class WrittenText:
    """What a model writes, and what the right text costs it.

    Attributes:
        text: Its own text; None: it was asked for none.
        nats: Minus the logarithm of the right text's probability; None: a simple baseline has no such thing.
        tokens: How many tokens the right text has for the model.
        right: How many of them it held most probable, given those before.
    """

    text: str | None
    nats: float | None = None
    tokens: int | None = None
    right: int | None = None

    def row(self) -> dict[str, Any]:
        """As in predictions.parquet."""
        return asdict(self)
