"""Baselines for one label per text. Their outputs are log-probabilities [examples, labels]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from harness.task_types.label_weights import Counts, label_counts
from harness.task_types.linear import Fit, LinearTask, Numbers
from harness.task_types.text_baselines import (
    Examples,
    Majority,
    TfIdf,
    as_they_are,
    logistic_regression,
)


def prior(examples: Examples, labels: tuple[str, ...]) -> Numbers:
    """Return the log-probabilities [labels] of the training data.

    One is added to each count (Laplace's rule of succession), so that a label missing from the training data is
    improbable, not impossible.
    """
    counts = np.bincount(_classes(examples), minlength=len(labels))
    return np.asarray(np.log((counts + 1) / (len(examples) + len(labels))))


def learn(fit: Fit, weights: Numbers, intercepts: Numbers) -> None:
    """Fit a logistic regression over the classes that occur."""
    classes = _classes(fit.examples)
    seen = np.unique(classes)
    if len(seen) > 1:
        weights[seen], intercepts[seen] = _class_scores(logistic_regression(fit, classes, fit.label_weights))


def _classes(examples: Examples) -> NDArray[np.int64]:
    return np.array([example.target for example in examples], dtype=int)


def _class_scores(model: Any) -> tuple[Numbers, Numbers]:
    """Return the weights and intercepts of each class that occurs, in the order of their indices."""
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    # scikit-learn keeps the log-odds of the second class. Half of them for it and half against has the same softmax.
    signs = np.array([-0.5, 0.5])
    return signs[:, None] * model.coef_, signs * model.intercept_


def _counts(examples: Examples, labels: int) -> Counts:
    return label_counts(_classes(examples), labels)


LINEAR = LinearTask(prior, learn, _counts)
BASELINES = {
    "majority": Majority(prior, as_they_are),
    "tfidf": TfIdf(LINEAR, lambda scores: np.asarray(log_softmax(scores, axis=1))),
}
