"""What the simple baselines answer to texts, whatever their targets.

`majority` gives every text the scores that suit the training data best. `tfidf` is a linear model of words and pairs of
words; those of a pair's two texts are different words. Nothing in either is random, so every seed gives the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.label_loss import LabelLoss
from harness.task_types.label_weights import Weights, weights_for, weights_note
from harness.task_types.linear import LinearTask, Numbers, Prior
from harness.task_types.texts import TextExample

MAJORITY_FILE = "majority.json"
# How weakly the logistic regression is held back unless a recipe says otherwise; of 1, 3, 10 and 30, ten was best or
# nearly so on 300 to 6,300 sentences and on 20 Newsgroups.
INVERSE_PENALTY = 10.0

Examples = Sequence[TextExample]
Outputs = Callable[[Numbers], Numbers]


@dataclass(frozen=True)
class Constant:
    """The same scores for every text.

    Attributes:
        scores: One per output.
        outputs_of: From scores [examples, outputs] to what the objective makes rows from.
    """

    scores: tuple[float, ...]
    outputs_of: Outputs

    def outputs(self, examples: Examples) -> Numbers:
        """The scores, once per example."""
        return self.outputs_of(np.tile(np.array(self.scores), (len(examples), 1)))

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MAJORITY_FILE).write_text(json.dumps({"scores": self.scores}), encoding="utf-8")


@dataclass(frozen=True)
class Majority:
    """Makes a `Constant` of what the training targets say before any text is read.

    Attributes:
        prior: Scores [outputs] from the training data and the label names.
        outputs_of: From scores [examples, outputs] to what the objective makes rows from.
    """

    prior: Prior
    outputs_of: Outputs

    def fit(self, examples: Examples, labels: tuple[str, ...]) -> Constant:
        """The best constant for `examples`, the training data."""
        return Constant(tuple(self.prior(examples, labels).tolist()), self.outputs_of)

    def load(self, folder: Path, labels: tuple[str, ...]) -> Constant:
        """What `save` wrote into `folder`."""
        scores = json.loads((folder / MAJORITY_FILE).read_text(encoding="utf-8"))["scores"]
        assert not labels or len(scores) == len(labels), (folder, labels)
        return Constant(tuple(scores), self.outputs_of)


@dataclass(frozen=True)
class Linear:
    """A linear model of the words.

    Attributes:
        sides: The words of the text and, for pairs, of the second text.
        weights: One row per output [outputs, words of all sides].
        intercepts: One per output [outputs].
        outputs_of: From scores [examples, outputs] to what the objective makes rows from.
        notes: What a reader of the record should know of how it was fitted.
    """

    sides: tuple[Words, ...]
    weights: Numbers
    intercepts: Numbers
    outputs_of: Outputs
    notes: Sequence[str] = ()

    def outputs(self, examples: Examples) -> Numbers:
        """What the objective makes rows from, one per example."""
        return self.outputs_of(np.asarray(_rows(self.sides, examples) @ self.weights.T + self.intercepts))

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        write_words(folder, self.sides, {"weights": self.weights, "intercepts": self.intercepts})


@dataclass(frozen=True)
class TfIdf:
    """Makes a `Linear` model.

    Attributes:
        task: How targets are learnt; what training can't tell apart keeps its prior.
        outputs_of: From scores [examples, outputs] to what the objective makes rows from.
        reads: Settings of a recipe that it reads.
    """

    task: LinearTask
    outputs_of: Outputs
    reads: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        weighing = ("class_weights", "class_weight_beta") if self.task.counts is not None else ()
        object.__setattr__(self, "reads", ("baseline_penalty", *weighing))

    def fit(
        self, examples: Examples, labels: tuple[str, ...], *, baseline_penalty: float = 1.0, **weighing: Any
    ) -> Linear:
        """A model of `examples`, the training data; without a word to go by it gives the majority's constant.

        Raises:
            UserError: The recipe weighs labels that there are not.
        """
        paired = any(example.pair is not None for example in examples)
        sides = tuple(fit_words(_side(examples, second), 2) for second in ((False, True) if paired else (False,)))
        rows, intercepts = _rows(sides, examples), self.task.prior(examples, labels)
        weights = np.zeros((len(intercepts), rows.shape[1]))
        weighed = weights_for(self.task, LabelLoss(**weighing), examples, labels)
        if rows.shape[1]:
            self.task.learn(rows, examples, weights, intercepts, baseline_penalty, label_weights=weighed)
        return Linear(sides, weights, intercepts, self.outputs_of, weights_note(labels, weighed))

    def load(self, folder: Path, labels: tuple[str, ...]) -> Linear:
        """What `save` wrote into `folder`."""
        sides, tensors = read_words(folder)
        assert not labels or len(tensors["intercepts"]) == len(labels), (folder, labels)
        return Linear(sides, tensors["weights"], tensors["intercepts"], self.outputs_of)


def logistic_regression(
    rows: Any,
    classes: NDArray[Any],
    penalty: float,
    *,
    fit_intercept: bool = True,
    class_weights: Weights | None = None,
) -> Any:
    """A fitted one.

    Args:
        rows: Inputs [examples, width].
        classes: Class indices [examples].
        penalty: On weights, as a multiple of the usual one.
        fit_intercept: Whether there may be any but 0.
        class_weights: What an example of each class counts [classes]; None: 1.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 -- a second or two, which the majority does without

    model = LogisticRegression(C=INVERSE_PENALTY / penalty, max_iter=1000, fit_intercept=fit_intercept)
    return model.fit(rows, classes, None if class_weights is None else class_weights[classes.astype(int)])


def as_they_are(scores: Numbers) -> Numbers:
    """Scores [examples, outputs] that are the outputs."""
    return scores


def _side(examples: Examples, second: bool) -> list[str]:
    return [(example.pair or "") if second else example.text for example in examples]


def _rows(sides: Sequence[Words], examples: Examples) -> Any:
    """The words of each example, those of its second text in columns of their own [examples, words of all sides]."""
    blocks = [words.rows(_side(examples, bool(second))) for second, words in enumerate(sides)]
    return sparse.hstack(blocks, format="csr")
