"""Baselines for texts, with any targets.

`majority` gives every text the same scores, which fit the training data best. `tfidf` is a linear model of words and
pairs of adjacent words, with separate words for the two texts of a pair. Both are deterministic, whatever the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.baseline import read_json, write_json
from harness.task_types.label_loss import LabelLoss
from harness.task_types.label_weights import Weights, weights_for, weights_note
from harness.task_types.linear import Fit, LinearTask, Numbers, Prior
from harness.task_types.texts import TextExample

MAJORITY_FILE = "majority.json"
# The default inverse penalty of the logistic regression. Among 1, 3, 10 and 30, 10 was best or nearly so on 300 to
# 6,300 sentences and on 20 Newsgroups.
INVERSE_PENALTY = 10.0

Examples = Sequence[TextExample]
Outputs = Callable[[Numbers], Numbers]


@dataclass(frozen=True)
class Constant:
    """A baseline with the same scores for every text.

    Attributes:
        scores: The scores, one per output.
        outputs_of: Converts scores [examples, outputs] to the outputs of the objective.
    """

    scores: tuple[float, ...]
    outputs_of: Outputs

    def outputs(self, examples: Examples) -> Numbers:
        """Return the scores, once per example."""
        return self.outputs_of(np.tile(np.array(self.scores), (len(examples), 1)))

    def save(self, folder: Path) -> None:
        """Save the scores in `folder`."""
        write_json(folder / MAJORITY_FILE, {"scores": self.scores})


@dataclass(frozen=True)
class Majority:
    """Fit and load `Constant`, from the training targets alone.

    Attributes:
        prior: Computes scores [outputs] from the training data and the label names.
        outputs_of: Converts scores [examples, outputs] to the outputs of the objective.
    """

    prior: Prior
    outputs_of: Outputs

    def fit(self, examples: Examples, labels: tuple[str, ...]) -> Constant:
        """Fit the best constant scores to the training data, `examples`."""
        return Constant(tuple(self.prior(examples, labels).tolist()), self.outputs_of)

    def load(self, folder: Path, labels: tuple[str, ...]) -> Constant:
        """Load what `save` wrote to `folder`."""
        scores = read_json(folder / MAJORITY_FILE)["scores"]
        assert not labels or len(scores) == len(labels), (folder, labels)
        return Constant(tuple(scores), self.outputs_of)


@dataclass(frozen=True)
class Linear:
    """A linear model of words.

    Attributes:
        sides: The words of the text and, for pairs, of the second text.
        weights: The weights [outputs, words of all sides].
        intercepts: The intercepts [outputs].
        outputs_of: Converts scores [examples, outputs] to the outputs of the objective.
        notes: Remarks on the fit, for the record.
    """

    sides: tuple[Words, ...]
    weights: Numbers
    intercepts: Numbers
    outputs_of: Outputs
    notes: Sequence[str] = ()

    def outputs(self, examples: Examples) -> Numbers:
        """Return the outputs of the examples."""
        return self.outputs_of(np.asarray(_rows(self.sides, examples) @ self.weights.T + self.intercepts))

    def save(self, folder: Path) -> None:
        """Save the model in `folder`."""
        write_words(folder, self.sides, {"weights": self.weights, "intercepts": self.intercepts})


@dataclass(frozen=True)
class TfIdf:
    """Fit and load `Linear`.

    Attributes:
        task: The linear model of the task type. Targets that training cannot distinguish keep their prior.
        outputs_of: Converts scores [examples, outputs] to the outputs of the objective.
    """

    task: LinearTask
    outputs_of: Outputs

    @property
    def reads(self) -> tuple[str, ...]:
        """The recipe's settings that are used."""
        return ("baseline_penalty", *(("class_weights", "class_weight_beta") if self.task.counts is not None else ()))

    def fit(
        self, examples: Examples, labels: tuple[str, ...], *, baseline_penalty: float = 1.0, **weighing: Any
    ) -> Linear:
        """Fit a model to the training data, `examples`. Without any words it equals the majority baseline.

        Raises:
            UserError: If the recipe weights labels that do not exist.
        """
        paired = any(example.pair is not None for example in examples)
        sides = tuple(fit_words(_side(examples, second), 2) for second in ((False, True) if paired else (False,)))
        rows, intercepts = _rows(sides, examples), self.task.prior(examples, labels)
        weights = np.zeros((len(intercepts), rows.shape[1]))
        weighed = weights_for(self.task, LabelLoss(**weighing), examples, labels)
        if rows.shape[1]:
            self.task.learn(Fit(rows, examples, baseline_penalty, label_weights=weighed), weights, intercepts)
        return Linear(sides, weights, intercepts, self.outputs_of, weights_note(labels, weighed))

    def load(self, folder: Path, labels: tuple[str, ...]) -> Linear:
        """Load what `save` wrote to `folder`."""
        sides, tensors = read_words(folder)
        assert not labels or len(tensors["intercepts"]) == len(labels), (folder, labels)
        return Linear(sides, tensors["weights"], tensors["intercepts"], self.outputs_of)


def logistic_regression(fit: Fit, classes: NDArray[Any], class_weights: Weights | None) -> Any:
    """Fit a logistic regression to class indices [examples], with a weight of each class [classes]; None for 1."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 -- a second or two, which the majority does without

    model = LogisticRegression(C=INVERSE_PENALTY / fit.penalty, max_iter=1000, fit_intercept=fit.fit_intercept)
    return model.fit(fit.rows, classes, None if class_weights is None else class_weights[classes.astype(int)])


def as_they_are(scores: Numbers) -> Numbers:
    """Return the scores [examples, outputs] unchanged."""
    return scores


def _side(examples: Examples, second: bool) -> list[str]:
    return [(example.pair or "") if second else example.text for example in examples]


def _rows(sides: Sequence[Words], examples: Examples) -> Any:
    """Return the words of each example, with separate columns for second texts [examples, words of all sides]."""
    blocks = [words.rows(_side(examples, bool(second))) for second, words in enumerate(sides)]
    return sparse.hstack(blocks, format="csr")
