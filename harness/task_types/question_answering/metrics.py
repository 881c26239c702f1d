"""Metrics of answers: exact match and F1 of words, by the rules of SQuAD.

Source: Rajpurkar et al. 2016, section 6.1, and Rajpurkar et al. 2018 for unanswerable questions, for which only "no
answer" is right. The rules of normalization are those of the official evaluation script.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from harness.metrics.influence import ratio
from harness.metrics.metric import TEXT, TEXTS, Metric, PerExample, Scored, Values, mean_of

_ARTICLE = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def answer_words(text: str) -> list[str]:
    """Return the words that are compared: lower case, with ASCII punctuation and articles removed.

    >>> answer_words("The U.S. dollar, an  ounce")
    ['us', 'dollar', 'ounce']
    """
    return _ARTICLE.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split()


Words = Callable[[str], list[str]]


def exact_match(references: Sequence[str], prediction: str, words: Words = answer_words) -> float:
    """Return 1.0 if the words of the prediction are those of a reference, else 0.0."""
    return _best(lambda reference, predicted: float(reference == predicted), references, prediction, words)


def qa_f1(references: Sequence[str], prediction: str, words: Words = answer_words) -> float:
    """Return the F1 of words with the reference that gives the highest."""
    return _best(_f1, references, prediction, words)


def _best(
    score: Callable[[list[str], list[str]], float], references: Sequence[str], prediction: str, words: Words
) -> float:
    predicted = words(prediction)
    # A reference without any words is ignored. Without references, no answer is the right one.
    known = [found for found in map(words, references) if found] or [[]]
    return max(score(found, predicted) for found in known)


def _f1(reference: list[str], predicted: list[str]) -> float:
    if not reference or not predicted:
        return float(reference == predicted)
    shared = sum((Counter(reference) & Counter(predicted)).values())
    return 2 * shared / (len(reference) + len(predicted))


def exact_matches(
    references: Values, predictions: Values, labels: Sequence[str] = (), *, words: Words = answer_words
) -> list[float]:
    """Compute the exact match of each answer."""
    return [exact_match(known, given, words) for known, given in zip(references, predictions, strict=True)]


def qa_f1s(
    references: Values, predictions: Values, labels: Sequence[str] = (), *, words: Words = answer_words
) -> list[float]:
    """Compute the F1 of words of each answer."""
    return [qa_f1(known, given, words) for known, given in zip(references, predictions, strict=True)]


def _of_some(name: str, title: str, per_example: PerExample, *, answerable: bool) -> Metric:
    """Create the mean over the questions with an answer, or over those without; NaN if there are none."""

    def scored(references: Values, predictions: Values) -> Scored:
        values = np.array(per_example(references, predictions, ()))
        chosen = np.array([bool(known) is answerable for known in references], dtype=np.float64)
        if not chosen.any():
            return float("nan"), np.full(len(values), np.nan)
        score, influences = ratio((values * chosen)[:, None], chosen[:, None])
        return float(score[0]), influences[:, 0]

    return Metric(
        name,
        lambda references, predictions, _: scored(references, predictions)[0],
        influence=lambda references, predictions, _: scored(references.to_pylist(), predictions.to_pylist()),
        title=title,
        form=(TEXT, TEXTS),
        partial=True,
    )


EXACT_MATCH = Metric("exact_match", mean_of(exact_matches), per_example=exact_matches, form=(TEXT, TEXTS))
QA_F1 = Metric("qa_f1", mean_of(qa_f1s), per_example=qa_f1s, title="token F1", form=(TEXT, TEXTS))
# HasAns and NoAns of SQuAD 2.0's evaluation script.
BY_ANSWERABILITY = (
    _of_some("has_answer_f1", "token F1, answerable", qa_f1s, answerable=True),
    _of_some("has_answer_exact_match", "exact match, answerable", exact_matches, answerable=True),
    _of_some("no_answer_accuracy", "accuracy, unanswerable", exact_matches, answerable=False),
)
