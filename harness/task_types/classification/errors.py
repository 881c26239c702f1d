"""What is decided about each of several labels that exclude each other, and how probable it was held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.metrics.columns import indicators
from harness.metrics.metric import Floats
from harness.task_types.analysed import Forecasts, LabelCounts
from harness.task_types.probabilities import logits_of, softmax_rows


def label_counts(table: Any, labels: Sequence[str]) -> LabelCounts:
    """The labels of a table of predictions, those that the record does not name behind the others."""
    columns = [table[name].combine_chunks() for name in ("reference", "prediction")]
    found = {name for column in columns for name in column.unique().to_pylist()}
    names = (*labels, *sorted(found.difference(labels)))
    there, predicted = (indicators(column, names) for column in columns)
    return LabelCounts(names, there * predicted, predicted, there)


def confusions(table: Any, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats]:
    """How often each label is taken for which [labels, labels]."""
    counts = label_counts(table, labels)
    return counts.names, counts.there.T @ counts.predicted


def counts_above(table: Any, labels: Sequence[str], threshold: float) -> LabelCounts | None:
    """Of two labels the second one, predicted where its probability is above the threshold; None of others."""
    logits = logits_of(table, len(labels))
    if logits is None or len(labels) != 2:
        return None
    there = indicators(table["reference"].combine_chunks(), labels)[:, 1:]
    predicted = (softmax_rows(logits)[:, 1:] > threshold).astype(np.float64)
    return LabelCounts(tuple(labels[1:]), there * predicted, predicted, there)


def forecasts(table: Any, labels: Sequence[str]) -> Forecasts | None:
    """How probable each predicted label was held; None without logits."""
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
