"""Linear models of a task type's targets, on any inputs: words, or a model's hidden states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Prior = Callable[[Any, tuple[str, ...]], Numbers]


@dataclass(frozen=True)
class Fit:
    """What a linear model is fitted to.

    Attributes:
        rows: The inputs [examples, width].
        examples: The examples with the targets.
        penalty: The penalty on weights, as a multiple of the usual one.
        fit_intercept: Whether intercepts are fitted.
        label_weights: The weight of each label, as in `harness.task_types.label_weights`; None for 1.
    """

    rows: Any
    examples: Sequence[Any]
    penalty: float
    fit_intercept: bool = True
    label_weights: Numbers | None = None


@dataclass(frozen=True)
class LinearTask:
    """The linear model of a task type, on any inputs.

    Attributes:
        prior: Computes scores [outputs] from the training data and the label names alone.
        learn: Fits weights [outputs, width] and intercepts [outputs] in place. They start as zeros and the prior.
        counts: Counts each label from examples and the number of labels, as in `label_weights`; None if there are no
            labels to weight.
    """

    prior: Prior
    learn: Callable[[Fit, Numbers, Numbers], None]
    counts: Callable[[Any, int], NDArray[np.int64]] | None = None
