"""Logits as probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.metrics.metric import Floats

MOST_NATS = 700.0  # The exponential of this is still finite.


def softmax(logits: Floats) -> Floats:
    """Compute the probabilities of mutually exclusive labels."""
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())


def softmax_rows(logits: Floats) -> Floats:
    """Compute the softmax of each row [examples, labels]."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def logits_of(table: Any, count: int) -> Floats | None:
    """Return the logits in a table of predictions [examples, labels]; None if some are missing or not finite."""
    column = table["logits"].combine_chunks() if "logits" in table.column_names else None
    if column is None or column.null_count or not hasattr(column, "flatten") or not len(column):
        return None
    values = np.asarray(column.flatten(), dtype=np.float64)
    if values.size != len(column) * count or not np.isfinite(values).all():
        return None
    return values.reshape(len(column), count)


def sigmoid(logits: Floats) -> Floats:
    """Compute the probability of each label independently."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def with_probabilities(
    answer: Mapping[str, Any], labels: Sequence[str], probabilities_of: Callable[[Floats], Floats]
) -> dict[str, Any]:
    """Return the prediction of a row of predictions.parquet, and the probability of each label."""
    found = probabilities_of(np.array(answer["logits"]))
    rounded = {label: round(float(p), 4) for label, p in zip(labels, found, strict=True)}
    return {"prediction": answer["prediction"], "probabilities": rounded}


def perplexity(mean: float) -> float:
    """Convert a mean of nats to a perplexity; infinite if it overflows."""
    return math.inf if mean > MOST_NATS else math.exp(mean)


def surprise(probability: float) -> float:
    """Return the surprise in nats at an event of this probability, which is bounded away from 0."""
    return -math.log(max(probability, 1e-300))
