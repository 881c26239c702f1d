"""How a linear model learns a task type's targets, whatever its inputs are: words, or a model's states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Prior = Callable[[Any, tuple[str, ...]], Numbers]


class Learn(Protocol):
    """Fits a linear model of a task type's targets."""

    def __call__(
        self,
        rows: Any,
        examples: Sequence[Any],
        weights: Numbers,
        intercepts: Numbers,
        penalty: float,
        *,
        fit_intercept: bool = True,
        label_weights: Numbers | None = None,
    ) -> None:
        """Change weights and intercepts, which begin as nothing and the prior, by inputs and the examples' targets.

        Args:
            rows: The inputs [examples, width].
            examples: Their targets are learnt.
            weights: [outputs, width].
            intercepts: [outputs].
            penalty: On weights, as a multiple of the usual one.
            fit_intercept: Whether there may be any but 0.
            label_weights: What an example of each label counts, as `harness.task_types.label_weights` has it; None: 1.
        """


@dataclass(frozen=True)
class LinearTask:
    """How a task type's targets are learnt by a linear model of any inputs.

    Attributes:
        prior: Scores [outputs] from the training data and the label names, before any input is read.
        learn: Fits weights and intercepts.
        counts: From examples and the number of labels to how many there are of each, as `label_weights` has them; None:
            there are no labels that could weigh.
    """

    prior: Prior
    learn: Learn
    counts: Callable[[Any, int], NDArray[np.int64]] | None = None
