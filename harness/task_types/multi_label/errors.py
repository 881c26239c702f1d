"""Label counts and probabilities of any number of labels per text, for error analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.metrics.columns import indicators
from harness.task_types.analysed import Aspect, Forecasts, LabelCounts, numbered
from harness.task_types.probabilities import logits_of, sigmoid

MOST_LABELS = 4


def label_counts(table: Any, labels: Sequence[str]) -> LabelCounts:
    """Count the labels of a table of predictions."""
    there, predicted = (indicators(table[name].combine_chunks(), labels) for name in ("reference", "prediction"))
    return LabelCounts(tuple(labels), there * predicted, predicted, there)


def counts_above(table: Any, labels: Sequence[str], threshold: float) -> LabelCounts | None:
    """Count labels with a probability above the threshold, whatever was chosen on validation; None without logits."""
    logits = logits_of(table, len(labels))
    if logits is None:
        return None
    there = indicators(table["reference"].combine_chunks(), labels)
    predicted = (sigmoid(logits) > threshold).astype(np.float64)
    return LabelCounts(tuple(labels), there * predicted, predicted, there)


def recorded_aspects(table: Any) -> Iterator[Aspect]:
    """Yield the number of labels of each text."""
    yield numbered("labels of a text", [len(labels) for labels in table["reference"].to_pylist()], MOST_LABELS)


def forecasts(table: Any, labels: Sequence[str]) -> Forecasts | None:
    """Return the probability of each label of each text; None without logits."""
    logits = logits_of(table, len(labels))
    if logits is None:
        return None
    probabilities, there = sigmoid(logits), label_counts(table, labels).there
    squares = ((probabilities - there) ** 2).mean(axis=1)
    examples = np.repeat(np.arange(len(logits)), len(labels))
    return Forecasts(probabilities.ravel(), there.ravel(), examples, squares)
