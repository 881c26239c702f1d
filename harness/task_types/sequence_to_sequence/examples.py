"""Pairs of source and target texts, and generated texts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from harness.data.task import Example


@dataclass(frozen=True, slots=True)
class SequencePair(Example):
    """A source and its target, such as a sentence and its translation.

    Attributes:
        id: The id, unique within its split.
        source: The text to read.
        target: The text to write.
        group: Examples of the same group depend on each other. Empty if independent.
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
    def joining_parts(self) -> tuple[int, ...]:
        """The source: a model that learnt one of its targets has seen the source of the others."""
        return (0,)


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A generated text, and the cost of the reference text.

    Attributes:
        text: The generated text; None if none was requested.
        nats: The negative log-likelihood of the reference text; None for a simple baseline.
        tokens: The number of tokens of the reference text.
        right: The number of these tokens that were the most probable, given those before.
    """

    text: str | None
    nats: float | None = None
    tokens: int | None = None
    right: int | None = None

    def row(self) -> dict[str, Any]:
        """Return a row of predictions.parquet."""
        return asdict(self)
