"""Logits as probabilities that a person can read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.metrics.metric import Floats


def softmax(logits: Floats) -> Floats:
    """Probabilities of which one label is right."""
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())


def softmax_rows(logits: Floats) -> Floats:
    """The same of each example [examples, labels]."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def logits_of(table: Any, count: int) -> Floats | None:
    """The logits in a table of predictions [examples, labels]; None where some are missing, or no numbers."""
    column = table["logits"].combine_chunks() if "logits" in table.column_names else None
    if column is None or column.null_count or not hasattr(column, "flatten") or not len(column):
        return None
    values = np.asarray(column.flatten(), dtype=np.float64)
    if values.size != len(column) * count or not np.isfinite(values).all():
        return None
    return values.reshape(len(column), count)


def sigmoid(logits: Floats) -> Floats:
    """The probability of each label by itself."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def with_probabilities(
    answer: Mapping[str, Any], labels: Sequence[str], probabilities_of: Callable[[Floats], Floats]
) -> dict[str, Any]:
    """The prediction of a row of predictions.parquet, and each label's probability."""
    found = probabilities_of(np.array(answer["logits"]))
    rounded = {label: round(float(p), 4) for label, p in zip(labels, found, strict=True)}
    return {"prediction": answer["prediction"], "probabilities": rounded}


def surprise(probability: float) -> float:
    """Nats of surprise at something that had this probability; a probability of 0 counts as the least there is."""
    return -math.log(max(probability, 1e-300))
