"""What runs say of a model by their scores of each example, made of numbers, for the statistics of comparisons."""

from typing import Any

import numpy as np

from harness.comparison.statistics import Evidence


def evidence(values: Any, **changes: Any) -> Evidence:
    """Of per-example scores [seeds, examples], each example a cluster of its own."""
    values = np.asarray(values, dtype=float)
    scores = values.mean(axis=1)
    return Evidence(scores, (values - scores[:, None]) / values.shape[1], **changes)


def guessed(rng: np.random.Generator, accuracy: float, luck: float, ease: np.ndarray, seeds: int) -> Evidence:
    """Of random answers, right so often, more or less by each seed's luck and each example's ease."""
    return evidence(
        rng.random((seeds, len(ease))) < np.clip(accuracy + luck * rng.normal(size=(seeds, 1)) + ease, 0, 1)
    )
