"""What a task type says of errors: its labels' decisions, its aspects of examples, its probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.metrics.metric import Floats


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How often each label is there, is predicted, and is rightly so, in each example [examples, labels].

    Attributes:
        names: The labels.
        found: Predicted and there.
        predicted: Predicted.
        there: Those of the reference.
    """

    names: tuple[str, ...]
    found: Floats
    predicted: Floats
    there: Floats


@dataclass(frozen=True, slots=True)
class Aspect:
    """A way to part the test examples, such as by their length.

    Attributes:
        name: What tells them apart.
        values: The part that each example is in [examples]; None: it is in none.
        parts: The parts, in the order in which they are shown.
    """

    name: str
    values: tuple[str | None, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Probabilities that a model gave, and what came true.

    Attributes:
        probabilities: Of each forecast coming true [forecasts].
        outcomes: 1 where it did, else 0 [forecasts].
        examples: The example that each forecast is of [forecasts].
        squares: The squared distance of an example's probabilities from what is right (Brier 1950) [examples].
    """

    probabilities: Floats
    outcomes: Floats
    examples: Any
    squares: Floats


class Analysed:
    """How errors of a task type are analysed, from predictions.parquet; by default there is nothing to say.

    Each method takes what `harness.comparison.subsets.Answers` holds of one seed: an arrow table with the columns of
    predictions.parquet.
    """

    def label_counts(self, table: Any, labels: Sequence[str]) -> LabelCounts | None:
        """What is decided about each label, of which recall, precision and F1 are made; None: there are no labels."""
        del table, labels
        return None

    def confusions(self, table: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats] | None:
        """The labels, and how often each is taken for which [labels, labels]; None where no label excludes others."""
        del table, labels
        return None

    def counts_above(self, table: Any, labels: Sequence[str], threshold: float) -> LabelCounts | None:
        """The same where a label is predicted above a probability; None where that is not how it is decided."""
        del table, labels, threshold
        return None

    def recorded_aspects(self, table: Any) -> Iterator[Aspect]:
        """Aspects that predictions tell."""
        del table
        yield from ()

    def read_aspects(self, examples: Sequence[Any]) -> Iterator[Aspect]:
        """Aspects that only the examples tell, which are read again."""
        del examples
        yield from ()

    def sources(self, table: Any) -> Sequence[str]:
        """What was read, of a task type whose answers are texts to be read side by side; by default nothing."""
        del table
        return ()

    def forecasts(self, table: Any, labels: Sequence[str]) -> Forecasts | None:
        """Its probabilities; None where predictions keep none."""
        del table, labels
        return None


def numbered(name: str, counts: Sequence[int | None], most: int) -> Aspect:
    """An aspect of small whole numbers; those from `most` on are one part.

    >>> numbered("labels", [0, 1, 5, None], 3).values
    ('0', '1', '3 or more', None)
    """
    last = f"{most} or more"
    values = tuple(None if count is None else str(count) if count < most else last for count in counts)
    there = set(values)
    return Aspect(name, values, tuple(part for part in (*map(str, range(most)), last) if part in there))
