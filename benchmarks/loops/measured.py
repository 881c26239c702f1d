"""Measured: what the loops took on one model and one kind of text, and the numbers that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

from benchmarks.loops.turns import Turn


@dataclass(frozen=True)
class Spread:
    """A median with the least and the most."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Case:
    """One model on one kind of text.

    Attributes:
        shape: The model's name.
        data: The name of the data set whose lengths the texts have.
        mode: "training" or "evaluation".
        examples: In a turn.
        batch_size: Examples a step.
        tokens: Real ones, of all the examples.
        flops: Operations of a turn on real tokens.
        turns: By the loop's key.
        peaks: The best operations a second of matrix products, by precision.
        precisions: Of each loop.
        physical: The most operations a second that a core can do, by precision, where that is known.
    """

    shape: str
    data: str
    mode: str
    examples: int
    batch_size: int
    tokens: int
    flops: float
    turns: Mapping[str, Sequence[Turn]]
    peaks: Mapping[str, float]
    precisions: Mapping[str, str]
    physical: Mapping[str, float] = field(default_factory=dict)

    def milliseconds(self, loop: str) -> Spread:
        """An example's, of the processor."""
        return spread([1000 * turn.seconds / self.examples for turn in self.turns[loop]])

    def times_as_fast(self, loop: str, other: str) -> Spread:
        """How many times as fast the loop is as another: each ratio is of neighbours, from one round."""
        rounds = zip(self.turns[loop], self.turns[other], strict=True)
        return spread([theirs.seconds / mine.seconds for mine, theirs in rounds])

    def share_of_peak(self, loop: str) -> float:
        """Operations on real tokens, as a share of what matrix products alone reach in the loop's precision."""
        rate = self.flops / median(turn.seconds for turn in self.turns[loop])
        return rate / self.peaks[self.precisions[loop]]

    def share_of_physical(self, loop: str) -> float | None:
        """The same of what the processor's registers do; None where that is not known."""
        physical = self.physical.get(self.precisions[loop])
        return None if physical is None else self.share_of_peak(loop) * self.peaks[self.precisions[loop]] / physical

    def loss(self, loop: str) -> float:
        """The mean of the counted turns, each of which read the same texts."""
        return mean(turn.value for turn in self.turns[loop])

    def busy(self) -> float:
        """Seconds of the clock for each of the processor; well above 1, others had the machine too."""
        every = [turn for turns in self.turns.values() for turn in turns]
        return sum(turn.clock for turn in every) / sum(turn.seconds for turn in every)


def spread(values: Sequence[float]) -> Spread:
    """The values' median, least and most."""
    return Spread(median(values), min(values), max(values))
