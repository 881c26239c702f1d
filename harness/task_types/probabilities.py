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
