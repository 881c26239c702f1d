"""Metrics of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from harness.metrics import influence
from harness.metrics.columns import of_numbers
from harness.metrics.metric import CORRELATION, NUMBER, Metric, Unit, Values, mean_of


def squared_errors(references: Values, predictions: Values, labels: Sequence[str] = ()) -> list[float]:
    """Return the squared error of each prediction."""
    differences = [float(one) - float(other) for one, other in zip(references, predictions, strict=True)]
    return [difference * difference for difference in differences]  # `**` would raise OverflowError


def pearson(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Compute Pearson's correlation; 0.0 if one side is constant or a prediction is not finite."""
    from scipy.stats import pearsonr  # noqa: PLC0415 -- scipy takes a second to import

    return _correlation(pearsonr, references, predictions)


def spearman(references: Values, predictions: Values, labels: Sequence[str] = ()) -> float:
    """Compute Spearman's rank correlation; 0.0 if one side is constant or a prediction is not finite."""
    from scipy.stats import spearmanr  # noqa: PLC0415 -- as above

    return _correlation(spearmanr, references, predictions)


def _correlation(function: Callable[[Values, Values], Any], references: Values, predictions: Values) -> float:
    constant = len(set(references)) == 1 or len(set(predictions)) == 1
    if constant or not all(map(isfinite, predictions)):
        return 0.0
    found = float(function(references, predictions).statistic)
    return found if isfinite(found) else 0.0  # nearly constant: the deviations vanish in rounding


PEARSON = Metric(
    "pearson",
    pearson,
    influence=of_numbers(influence.correlation),
    unit=CORRELATION,
    title="Pearson correlation",
    form=(NUMBER, NUMBER),
)
SPEARMAN = Metric(
    "spearman",
    spearman,
    influence=of_numbers(influence.spearman),
    unit=CORRELATION,
    title="Spearman correlation",
    form=(NUMBER, NUMBER),
)
MEAN_SQUARED_ERROR = Metric(
    "mean_squared_error",
    mean_of(squared_errors),
    higher_is_better=False,
    per_example=squared_errors,
    influence=of_numbers(influence.mean_squared_error),
    unit=Unit(1, 3, 0.0),
    form=(NUMBER, NUMBER),
)
