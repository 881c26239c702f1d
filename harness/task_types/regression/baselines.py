"""Baselines for one number per text. Their outputs are numbers [examples]."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.task_types.label_weights import Weights
from harness.task_types.linear import LinearTask, Numbers
from harness.task_types.text_baselines import Examples, Majority, TfIdf

RIDGE_PENALTY = 1.0


def prior(examples: Examples, _labels: tuple[str, ...]) -> Numbers:
    """Return the mean [1] of the training data."""
    wanted = [example.target for example in examples]
    return np.array([np.mean(wanted) if wanted else 0.0])


def learn(
    rows: Any,
    examples: Examples,
    weights: Numbers,
    intercepts: Numbers,
    penalty: float,
    *,
    fit_intercept: bool = True,
    label_weights: Weights | None = None,
) -> None:
    """Fit a ridge regression."""
    from sklearn.linear_model import Ridge  # noqa: PLC0415 -- takes a second or two, and only this needs it

    ridge = Ridge(alpha=RIDGE_PENALTY * penalty, fit_intercept=fit_intercept)
    ridge.fit(rows, [example.target for example in examples])
    weights[:], intercepts[:] = ridge.coef_[None], ridge.intercept_


def outputs_of(scores: Numbers) -> Numbers:
    """Convert scores [examples, 1] to numbers [examples]."""
    return scores[:, 0]


LINEAR = LinearTask(prior, learn)
BASELINES = {"majority": Majority(prior, outputs_of), "tfidf": TfIdf(LINEAR, outputs_of)}
