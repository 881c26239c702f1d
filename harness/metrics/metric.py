"""Metric: a score function, and all that a report needs to know to show it and to say how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = Sequence[Any]
Score = Callable[[Values, Values, Sequence[str]], float]
PerExample = Callable[[Values, Values, Sequence[str]], list[float]]
Floats = NDArray[np.float64]
Scored = tuple[float, Floats]
Influence = Callable[[Any, Any, Sequence[str]], Scored]
LabelCounts = Callable[[Any, Sequence[str]], dict[str, int]]
"""From an arrow column of predictions.parquet and the label names."""
Form = str | list[str] | dict[str, str]
TEXT, TEXTS, NUMBER = "string", ["string"], "float64"
# A metric of the `evaluate` library is named "evaluate:NAME" or "evaluate:PATH", with ":lower" where less is better.
EVALUATE, LOWER = "evaluate:", ":lower"


class HasInterval(Protocol):
    """A score with an interval around it, or None where there is none."""

    @property
    def value(self) -> float:
        """The score."""

    @property
    def low(self) -> float | None:
        """The interval's low end."""

    @property
    def high(self) -> float | None:
        """The interval's high end."""


@dataclass(frozen=True, slots=True)
class Unit:
    """How a metric is shown.

    Attributes:
        factor: What a score is multiplied by.
        decimals: Digits after the point.
        least: No score is below.
        most: No score is above.
    """

    factor: float
    decimals: int
    least: float = -inf
    most: float = inf

    def score(self, value: float) -> str:
        """Such as 83.4."""
        return f"{value * self.factor:.{self.decimals}f}".replace("-", "−")

    def signed(self, value: float) -> str:
        """Such as +1.2 or −0.4; a difference that rounds to nothing has no sign."""
        text = f"{value * self.factor:+.{self.decimals}f}"
        return text[1:] if float(text) == 0 else text.replace("-", "−")

    def with_interval(self, estimate: HasInterval) -> str:
        """Such as 83.4 (81.5 to 85.3); without the interval where there is none."""
        if estimate.low is None:
            return self.score(estimate.value)
        return f"{self.score(estimate.value)} ({self.interval(estimate)})"

    def interval(self, estimate: HasInterval, *, signed: bool = False) -> str:
        """Such as 81.5 to 85.3."""
        if estimate.low is None or estimate.high is None:
            return "–"
        if signed:
            return f"{self.signed(estimate.low)} to {self.signed(estimate.high)}"
        return f"{self.score(self.bounded(estimate.low))} to {self.score(self.bounded(estimate.high))}"

    def ends(self, estimate: HasInterval) -> tuple[float, float, float]:
        """The interval's low end, the mean and the high end, as numbers to be drawn; all the mean without interval."""
        low = estimate.value if estimate.low is None else self.bounded(estimate.low)
        high = estimate.value if estimate.high is None else self.bounded(estimate.high)
        return low * self.factor, estimate.value * self.factor, high * self.factor

    def bounded(self, value: float) -> float:
        """`value`, or the bound that it lies beyond."""
        return min(max(value, self.least), self.most)


PERCENT = Unit(100, 1, 0.0, 1.0)
CORRELATION = Unit(100, 1, -1.0, 1.0)
PLAIN = Unit(1, 3)


@dataclass(frozen=True)
class Metric:
    """A score of predictions against references, in the form that predictions.parquet has them in.

    Attributes:
        name: What it is called in suites and records.
        function: The score in its natural unit, from references, predictions and label names.
        higher_is_better: Whether more is better.
        per_example: One value per example whose mean is the score; None where the score is no such mean.
        influence: The score and how far each example moves it, in closed form, from the two arrow columns and the label
            names. None: known from `per_example`, or else by a jackknife (`harness.metrics.influence`).
        unit: How it is shown, and its bounds.
        title: Its name in prose; default: `name` without underscores.
        form: What predictions and references look like to the `evaluate` library.
        alternative: The metric in its place for models of which it says nothing, and which are not to be compared with
            the others (`pseudo_perplexity` for masked models).
        partial: Whether it says nothing of some models: its score is then no number.
        label_counts: How many examples in a column of references, or of predictions, have each label, of a metric in
            which a rare label weighs as much as a common one. None: each example weighs the same.
        units: The field of a prediction that says how many units the example has for the model, such as tokens. Scores
            per unit are compared only between models that have as many in each example. Empty: all have the same.
    """

    name: str
    function: Score
    higher_is_better: bool = True
    per_example: PerExample | None = None
    influence: Influence | None = None
    unit: Unit = PERCENT
    title: str = ""
    form: tuple[Form, Form] = (TEXT, TEXT)
    alternative: str = ""
    partial: bool = False
    units: str = ""
    label_counts: LabelCounts | None = None


def script_of(name: str) -> Path | None:
    """The script of a metric that is named by "evaluate:" and a path; None for any other metric.

    The library takes a script, or the folder of a script with the same name.
    """
    if not name.startswith(EVALUATE):
        return None
    path = Path(name.removeprefix(EVALUATE).removesuffix(LOWER))
    script = path / f"{path.name}.py" if path.is_dir() else path
    return script if script.suffix == ".py" and script.is_file() else None


def mean_of(per_example: PerExample) -> Score:
    """The score that is the mean of one value per example."""
    return lambda references, predictions, labels: fmean(per_example(references, predictions, labels))
