"""Error analysis by task type: decisions per label, aspects of examples, probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.metrics.metric import Floats

LONGER = "more words"


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Decisions about each label in each example; arrays of shape [examples, labels].

    Attributes:
        names: The labels.
        found: True positives.
        predicted: Predicted labels.
        there: Labels of the reference.
    """

    names: tuple[str, ...]
    found: Floats
    predicted: Floats
    there: Floats


@dataclass(frozen=True, slots=True)
class Aspect:
    """A way to divide the test examples, such as by length.

    Attributes:
        name: The name of the aspect.
        values: The part of each example [examples]; None if it belongs to none.
        parts: The parts in display order.
    """

    name: str
    values: tuple[str | None, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Predicted probabilities and outcomes.

    Attributes:
        probabilities: Probability of each event [forecasts].
        outcomes: 1 if the event happened, else 0 [forecasts].
        examples: Index of the example of each forecast [forecasts].
        squares: Squared distance of an example's probabilities from the truth (Brier 1950) [examples].
    """

    probabilities: Floats
    outcomes: Floats
    examples: Any
    squares: Floats


class Analysed:
    """The part of a task type that analyses errors; by default there is nothing to analyse.

    Each method takes an arrow table with the columns of predictions.parquet for one seed, as in
    `harness.comparison.subsets.Answers`.
    """

    def label_counts(self, table: Any, labels: Sequence[str]) -> LabelCounts | None:
        """Return the decisions about each label, for precision, recall and F1; None without labels."""
        return None

    def confusions(self, table: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats] | None:
        """Return the labels and the confusion matrix [labels, labels]; None if labels are not exclusive."""
        return None

    def counts_above(self, table: Any, labels: Sequence[str], threshold: float) -> LabelCounts | None:
        """Return `label_counts` at another probability threshold; None if there is no threshold."""
        return None

    def recorded_aspects(self, table: Any) -> Iterator[Aspect]:
        """Yield aspects that the predictions contain."""
        yield from ()

    def read_aspects(self, examples: Sequence[Any]) -> Iterator[Aspect]:
        """Yield aspects that need the examples, which are read again."""
        yield from ()

    def sources(self, table: Any) -> Sequence[str]:
        """Return the source texts, if answers are texts to be shown beside them; empty by default."""
        return ()

    def forecasts(self, table: Any, labels: Sequence[str]) -> Forecasts | None:
        """Return the predicted probabilities; None if predictions have none."""
        return None


def in_order(name: str, values: Sequence[str | None], parts: Sequence[str]) -> Aspect:
    """Divide examples into named parts; those without an example are left out.

    >>> in_order("answerable", ["no", None, "no"], ("yes", "no")).parts
    ('no',)
    """
    there = set(values)
    return Aspect(name, tuple(values), tuple(part for part in parts if part in there))


def numbered(name: str, counts: Sequence[int | None], most: int) -> Aspect:
    """Divide examples by a small count; counts from `most` on form one part.

    >>> numbered("labels", [0, 1, 5, None], 3).values
    ('0', '1', '3 or more', None)
    """
    last = f"{most} or more"
    values = [None if count is None else str(count) if count < most else last for count in counts]
    return in_order(name, values, (*map(str, range(most)), last))


def by_length(name: str, texts: Sequence[str | None], parts: Mapping[int, str]) -> Aspect:
    """Divide examples by the number of words in a text, given the part of each maximum; longer texts form the last."""
    counts = [None if text is None else len(text.split()) for text in texts]
    values = [
        None if count is None else next((part for most, part in parts.items() if count <= most), LONGER)
        for count in counts
    ]
    return in_order(name, values, (*parts.values(), LONGER))
