"""Baselines for any number of labels per text. Their outputs are log-odds [examples, labels]."""

from __future__ import annotations

import numpy as np

from harness.task_types.label_weights import Counts, indicators, yes_counts
from harness.task_types.linear import Fit, LinearTask, Numbers
from harness.task_types.text_baselines import (
    Examples,
    Majority,
    TfIdf,
    as_they_are,
    logistic_regression,
)


def prior(examples: Examples, labels: tuple[str, ...]) -> Numbers:
    """Return the log-odds [labels] of the training data. One is added to each count (Laplace's rule of succession)."""
    counts = indicators(_targets(examples), len(labels)).sum(axis=0)
    return np.asarray(np.log((counts + 1) / (len(examples) - counts + 1)))


def learn(fit: Fit, weights: Numbers, intercepts: Numbers) -> None:
    """Fit a logistic regression for each label that some texts have and others do not."""
    for label, has in enumerate(indicators(_targets(fit.examples), len(intercepts)).T):
        if has.any() and not has.all():
            model = logistic_regression(fit, has, None if fit.label_weights is None else fit.label_weights[label])
            weights[label], intercepts[label] = model.coef_[0], np.ravel(model.intercept_)[0]


def _counts(examples: Examples, labels: int) -> Counts:
    return yes_counts(_targets(examples), labels)


def _targets(examples: Examples) -> list[tuple[int, ...]]:
    return [example.label_indices for example in examples]


LINEAR = LinearTask(prior, learn, _counts)
BASELINES = {"majority": Majority(prior, as_they_are), "tfidf": TfIdf(LINEAR, as_they_are)}
