"""Metric: a score function with everything that reports need to display it and to compute intervals."""

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
"""Counts labels in an arrow column of predictions.parquet, given the label names."""
Form = str | list[str] | dict[str, str]
TEXT, TEXTS, NUMBER = "string", ["string"], "float64"
# A metric of the `evaluate` library is named "evaluate:NAME" or "evaluate:PATH", with ":lower" where less is better.
EVALUATE, LOWER = "evaluate:", ":lower"
LARGE = 1e6
"""Numbers of arbitrary scale from here on are displayed with an exponent."""


class HasInterval(Protocol):
    """A score with an interval, which may be None."""

    @property
    def value(self) -> float:
        """The score."""

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""


@dataclass(frozen=True, slots=True)
class Unit:
    """How a metric is displayed.

    Attributes:
        factor: Scores are multiplied by this number.
        decimals: Digits after the decimal point.
        least: Lower bound of the score.
        most: Upper bound of the score.
    """

    factor: float
    decimals: int
    least: float = -inf
    most: float = inf

    def score(self, value: float) -> str:
        """Format a score, such as 83.4. One that rounds to zero has no sign."""
        return self._formatted(value * self.factor)

    def signed(self, value: float) -> str:
        """Format a difference, such as +1.2 or −0.4. One that rounds to zero has no sign."""
        return self._formatted(value * self.factor, sign="+")

    def _formatted(self, number: float, sign: str = "") -> str:
        """Format a number; one of arbitrary scale, such as a squared error of prices, with its leading digits.

        >>> [PLAIN.score(value) for value in (12.3456, 0.00012345, 1.2345e-9, 2.34567e10)]
        ['12.346', '0.00012', '1.2e−09', '2.346e+10']
        """
        text = f"{number:{sign}.{self.decimals}f}"
        if self.factor == 1 and number and abs(number) < 10.0 ** (1 - self.decimals):
            text = f"{number:{sign}#.2g}"
        elif self.factor == 1 and abs(number) >= LARGE:
            text = f"{number:{sign}#.4g}"
        return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")

    def with_interval(self, estimate: HasInterval) -> str:
        """Format a score with its interval, if it has one: 83.4 (81.5 to 85.3)."""
        if estimate.low is None:
            return self.score(estimate.value)
        return f"{self.score(estimate.value)} ({self.interval(estimate)})"

    def interval(self, estimate: HasInterval, *, signed: bool = False) -> str:
        """Format an interval, such as 81.5 to 85.3."""
        if estimate.low is None or estimate.high is None:
            return "–"
        if signed:
            return f"{self.signed(estimate.low)} to {self.signed(estimate.high)}"
        return f"{self.score(estimate.low)} to {self.score(estimate.high)}"

    def ends(self, estimate: HasInterval) -> tuple[float, float, float]:
        """Return lower end, mean and upper end in display units; without an interval, the mean three times."""
        low = estimate.value if estimate.low is None else estimate.low
        high = estimate.value if estimate.high is None else estimate.high
        return low * self.factor, estimate.value * self.factor, high * self.factor


PERCENT = Unit(100, 1, 0.0, 1.0)
CORRELATION = Unit(100, 1, -1.0, 1.0)
PLAIN = Unit(1, 3)


@dataclass(frozen=True)
class Metric:
    """A score of predictions against references, both in the form of predictions.parquet.

    Attributes:
        name: The name in suites and records.
        function: Computes the score in its natural unit from references, predictions and label names.
        higher_is_better: Whether more is better.
        per_example: Computes one value per example, whose mean is the score; None if the score is not a mean.
        influence: Computes the score and the influence of each example on it in closed form, from the two arrow columns
            and the label names. If None, `per_example` is used, or else a jackknife (`harness.metrics.influence`).
        unit: How the score is displayed, and its bounds.
        title: The name in prose. Default: `name` without underscores.
        form: The form of predictions and references that the `evaluate` library expects.
        alternative: The metric for models that this one is undefined for, which are not compared with the others
            (`pseudo_perplexity` for masked models).
        partial: Whether the metric is undefined, and the score NaN, for some models.
        label_counts: Counts the examples of each label in a column of references or predictions, for a metric in which
            rare labels weigh as much as common ones. If None, all examples weigh the same.
        units: The prediction column with the number of units per example, such as tokens. Scores per unit are only
            compared between models with equal counts. If empty, all models have the same units.
        check: Raises a UserError if labels with these names can't be scored. If None, all can.
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
    check: Callable[[Sequence[str]], object] | None = None


def script_of(name: str) -> Path | None:
    """Return the script of a metric named "evaluate:" and a path; None for any other metric.

    The library accepts a script, or a folder that contains a script of the same name.
    """
    if not name.startswith(EVALUATE):
        return None
    path = Path(name.removeprefix(EVALUATE).removesuffix(LOWER))
    script = path / f"{path.name}.py" if path.is_dir() else path
    return script if script.suffix == ".py" and script.is_file() else None


def mean_of(per_example: PerExample) -> Score:
    """Return the score that is the mean of a value per example."""
    return lambda references, predictions, labels: fmean(per_example(references, predictions, labels))
