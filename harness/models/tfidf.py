"""The floor that reads words, but no order beyond two of them: TF-IDF and a linear model, in seconds.

Nothing in it is random, so every seed gives the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression, Ridge

from harness.data.spans import Span, sentences
from harness.errors import UserError
from harness.models._constants import constant_scores, indicators, targets
from harness.models._words import Words, fit_words, read_words, write_words
from tasks.task import Example, QuestionExample, TextExample

# How weakly the logistic regression is held back, and how strongly the ridge regression. Fixed, so that a floor has
# nothing to tune; of 1, 3, 10 and 30, ten was best or nearly so on 300 to 6,300 sentences and on 20 Newsgroups.
INVERSE_PENALTY = 10.0
RIDGE_PENALTY = 1.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """A linear model of the words; those of a pair's two texts are different words.

    Attributes:
        sides: The words of the text and, for pairs, of the second text.
        weights: A row an output [outputs, words of all sides].
        intercepts: One an output [outputs].
        kind: What the outputs mean.
    """

    sides: tuple[Words, ...]
    weights: Numbers
    intercepts: Numbers
    kind: str

    def outputs(self, examples: Sequence[Example]) -> Numbers:
        """Log-probabilities (classification), log-odds (multi_label) [examples, labels], or numbers [examples]."""
        scores: Numbers = _rows(self.sides, examples) @ self.weights.T + self.intercepts
        if self.kind == "classification":
            return np.asarray(log_softmax(scores, axis=1))
        return scores[:, 0] if self.kind == "regression" else scores

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        write_words(folder, self.sides, {"weights": self.weights, "intercepts": self.intercepts})


@dataclass(frozen=True)
class NearestSentence:
    """Answers with the sentence of the context that shares most with the question."""

    words: Words

    def outputs(self, examples: Sequence[Example]) -> list[Span]:
        """A span a question, scored by its cosine with it; no answer scores 0, as a sentence without a shared word."""
        return [self._nearest(cast(QuestionExample, example)) for example in examples]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        write_words(folder, (self.words,), {})

    def _nearest(self, example: QuestionExample) -> Span:
        places = sentences(example.context)
        if not places:
            return Span(-1, -1, 0.0, 0.0)
        rows = self.words.rows([example.question, *(example.context[start:end] for start, end in places)])
        cosines = (rows[1:] @ rows[:1].T).toarray()[:, 0]
        best = int(cosines.argmax())
        return Span(*places[best], float(cosines[best]), 0.0)


class TfIdf:
    """The family."""

    def fit(self, examples: Sequence[Example], *, kind: str, labels: tuple[str, ...]) -> Linear | NearestSentence:
        """A model of `examples`, the training data; without a word to go by it gives the majority's constant.

        Raises:
            UserError: The task asks what comes next, which a bag of words does not say.
        """
        if kind == "language_modelling":
            raise UserError(
                "tfidf: a bag of words foretells nothing. Leave it out of language modelling; take majority."
            )
        if kind == "question_answering":
            contexts = dict.fromkeys(cast(QuestionExample, example).context for example in examples)
            return NearestSentence(
                fit_words([context[start:end] for context in contexts for start, end in sentences(context)], 1)
            )
        paired = any(cast(TextExample, example).pair is not None for example in examples)
        sides = tuple(fit_words(_side(examples, second), 2) for second in ((False, True) if paired else (False,)))
        return Linear(sides, *_fitted(_rows(sides, examples), examples, kind=kind, labels=labels), kind)

    def load(self, folder: Path, *, kind: str, labels: tuple[str, ...]) -> Linear | NearestSentence:
        """What `save` wrote into `folder`."""
        sides, tensors = read_words(folder)
        if kind == "question_answering":
            return NearestSentence(sides[0])
        assert kind == "regression" or len(tensors["intercepts"]) == len(labels), (folder, labels)
        return Linear(sides, tensors["weights"], tensors["intercepts"], kind)


family = TfIdf()


def _side(examples: Sequence[Example], second: bool) -> list[str]:
    texts = [cast(TextExample, example) for example in examples]
    return [(example.pair or "") if second else example.text for example in texts]


def _rows(sides: Sequence[Words], examples: Sequence[Example]) -> Any:
    """The words of each example, those of its second text in columns of their own [examples, words of all sides]."""
    blocks = [words.rows(_side(examples, bool(second))) for second, words in enumerate(sides)]
    return sparse.hstack(blocks, format="csr")


def _fitted(rows: Any, examples: Sequence[Example], *, kind: str, labels: tuple[str, ...]) -> tuple[Numbers, Numbers]:
    """Weights [outputs, words] and intercepts [outputs]; what training can't tell apart keeps its constant."""
    intercepts = constant_scores(examples, kind=kind, labels=labels)
    weights = np.zeros((len(intercepts), rows.shape[1]))
    if rows.shape[1] == 0:
        return weights, intercepts
    if kind == "regression":
        ridge = Ridge(alpha=RIDGE_PENALTY).fit(rows, targets(examples))
        return ridge.coef_[None], np.array([ridge.intercept_])
    if kind == "classification":
        classes = np.array(targets(examples))
        seen = np.unique(classes)
        if len(seen) > 1:
            weights[seen], intercepts[seen] = _class_scores(rows, classes)
        return weights, intercepts
    for label, has in enumerate(indicators(examples, labels).T):
        if has.any() and not has.all():
            model = _logistic_regression(rows, has)
            weights[label], intercepts[label] = model.coef_[0], model.intercept_[0]
    return weights, intercepts


def _class_scores(rows: Any, classes: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Weights and intercepts of each class that occurs, in the order of their indices."""
    model = _logistic_regression(rows, classes)
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    # scikit-learn keeps the log-odds of the second class: half of it for, half against, has the same softmax.
    signs = np.array([-0.5, 0.5])
    return signs[:, None] * model.coef_, signs * model.intercept_


def _logistic_regression(rows: Any, classes: NDArray[Any]) -> Any:
    return LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit(rows, classes)
