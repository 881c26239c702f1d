"""Label counts and probabilities of mutually exclusive labels, for error analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.metrics.columns import indicators
from harness.metrics.metric import Floats
from harness.task_types.analysed import Forecasts, LabelCounts
from harness.task_types.probabilities import logits_of, softmax_rows


def label_counts(table: Any, labels: Sequence[str]) -> LabelCounts:
    """Count the labels of a table of predictions. Labels that are not in the record come last."""
    columns = [table[name].combine_chunks() for name in ("reference", "prediction")]
    found = {name for column in columns for name in column.unique().to_pylist()}
    names = (*labels, *sorted(found.difference(labels)))
    there, predicted = (indicators(column, names) for column in columns)
    return LabelCounts(names, there * predicted, predicted, there)


def confusions(table: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    """Return the confusion matrix [labels, labels] of references and predictions."""
    counts = label_counts(table, labels)
    return counts.names, counts.there.T @ counts.predicted


def counts_above(table: Any, labels: Sequence[str], threshold: float) -> LabelCounts | None:
    """Count the second of two labels, predicted above the threshold; None with more labels or without logits."""
    logits = logits_of(table, len(labels))
    if logits is None or len(labels) != 2:
        return None
    there = indicators(table["reference"].combine_chunks(), labels)[:, 1:]
    predicted = (softmax_rows(logits)[:, 1:] > threshold).astype(np.float64)
    return LabelCounts(tuple(labels[1:]), there * predicted, predicted, there)


def forecasts(table: Any, labels: Sequence[str]) -> Forecasts | None:
    """Return the probability of each predicted label; None without logits."""
    logits = logits_of(table, len(labels))
    if logits is None:
        return None
    probabilities = softmax_rows(logits)
    counts = label_counts(table, labels)
    if len(counts.names) > len(labels):
        return None
    squares = ((probabilities - counts.there) ** 2).sum(axis=1)
    confidences = (probabilities * counts.predicted).sum(axis=1)
    return Forecasts(confidences, counts.found.sum(axis=1), np.arange(len(logits)), squares)
