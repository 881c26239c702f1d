"""Baselines for one number per text. Their outputs are numbers [examples]."""

from __future__ import annotations

import numpy as np

from harness.task_types.linear import Fit, LinearTask, Numbers
from harness.task_types.text_baselines import Examples, Majority, TfIdf

RIDGE_PENALTY = 1.0


def prior(examples: Examples, _labels: tuple[str, ...]) -> Numbers:
    """Return the mean [1] of the training data."""
    wanted = [example.target for example in examples]
    return np.array([np.mean(wanted) if wanted else 0.0])


def learn(fit: Fit, weights: Numbers, intercepts: Numbers) -> None:
    """Fit a ridge regression."""
    from sklearn.linear_model import Ridge  # noqa: PLC0415 -- takes a second or two, and only this needs it

    ridge = Ridge(alpha=RIDGE_PENALTY * fit.penalty, fit_intercept=fit.fit_intercept)
    ridge.fit(fit.rows, [example.target for example in fit.examples])
    weights[:], intercepts[:] = ridge.coef_[None], ridge.intercept_


def outputs_of(scores: Numbers) -> Numbers:
    """Convert scores [examples, 1] to numbers [examples]."""
    return scores[:, 0]


LINEAR = LinearTask(prior, learn)
BASELINES = {"majority": Majority(prior, outputs_of), "tfidf": TfIdf(LINEAR, outputs_of)}
