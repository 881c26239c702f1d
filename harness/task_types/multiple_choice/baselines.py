"""Baselines of multiple choice.

`majority` chooses the place that is right most often in training. `longest_answer` chooses the longest choice, and
`tfidf` the one most similar to the question (cosine of TF-IDF weights). For the last two, training fits how steeply the
probability of a choice rises with its length or cosine, which does not change the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from harness.metrics.metric import Floats
from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.baseline import read_json, write_json
from harness.task_types.multiple_choice.examples import ChoiceExample

FILE = "choices.json"
STEEPNESS = (-5.0, 5.0)
"""The range in which the logarithm of the steepness is searched."""

Examples = Sequence[ChoiceExample]


@dataclass(frozen=True)
class ByPlace:
    """A baseline that prefers the same place in every question.

    Attributes:
        counts: How often each place is right in the training data.
    """

    counts: tuple[int, ...]

    @classmethod
    def fit(cls, examples: Examples, _labels: tuple[str, ...]) -> Self:
        """Count the right places in the training data, `examples`."""
        return cls(tuple(np.bincount([example.right for example in examples]).tolist()))

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        return cls(tuple(read_json(folder / FILE)["counts"]))

    def outputs(self, examples: Examples) -> list[Floats]:
        """Return the logarithms of the places' counts plus one, so that no place is impossible."""
        return [np.log1p([self._count(place) for place in range(len(example.choices))]) for example in examples]

    def save(self, folder: Path) -> None:
        """Save the counts in `folder`."""
        write_json(folder / FILE, {"counts": self.counts})

    def _count(self, place: int) -> int:
        return self.counts[place] if place < len(self.counts) else 0


@dataclass(frozen=True)
class Longest:
    """A baseline that chooses the longest choice.

    Attributes:
        steepness: The increase of a choice's score with its length, as a fraction of the longest choice.
    """

    steepness: float

    @classmethod
    def fit(cls, examples: Examples, _labels: tuple[str, ...]) -> Self:
        """Fit the steepness to the training data, `examples`."""
        return cls(_steepness(examples, _lengths))

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        return cls(read_json(folder / FILE)["steepness"])

    def outputs(self, examples: Examples) -> list[Floats]:
        """Compute a score for each choice."""
        return [self.steepness * lengths for lengths in map(_lengths, examples)]

    def save(self, folder: Path) -> None:
        """Save the steepness in `folder`."""
        write_json(folder / FILE, {"steepness": self.steepness})


@dataclass(frozen=True)
class Overlap:
    """A baseline that chooses the choice most similar to the question.

    Attributes:
        words: The words, with their rarity in the training data.
        steepness: The increase of a choice's score with its cosine.
    """

    words: Words
    steepness: float

    @classmethod
    def fit(cls, examples: Examples, _labels: tuple[str, ...]) -> Self:
        """Fit the words of all questions and choices of the training data, `examples`, and the steepness."""
        texts = dict.fromkeys(text for example in examples for text in (*example.texts, *example.choices))
        words = fit_words(list(texts), 1)
        return cls(words, _steepness(examples, cls(words, 1.0).cosines))

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        (words,), tensors = read_words(folder)
        return cls(words, float(tensors["steepness"][0]))

    def outputs(self, examples: Examples) -> list[Floats]:
        """Compute a score for each choice."""
        return [self.steepness * cosines for cosines in map(self.cosines, examples)]

    def cosines(self, example: ChoiceExample) -> Floats:
        """Compute the cosine of each choice with the texts of its question."""
        rows = self.words.rows([" ".join(example.texts), *example.choices])
        return np.asarray((rows[1:] @ rows[:1].T).toarray()[:, 0])

    def save(self, folder: Path) -> None:
        """Save the words and the steepness in `folder`."""
        write_words(folder, (self.words,), {"steepness": np.array([self.steepness])})


def _lengths(example: ChoiceExample) -> Floats:
    """Return the number of characters of each choice, as a fraction of the longest one."""
    lengths = np.array([len(choice) for choice in example.choices], dtype=np.float64)
    return np.asarray(lengths / lengths.max())


def _steepness(examples: Examples, values: Callable[[ChoiceExample], Floats]) -> float:
    """Find the factor above 0 on the values of choices that makes the right ones most likely by softmax."""
    known = [(values(example), example.right) for example in examples]

    def loss(logarithm: float) -> float:
        factor = float(np.exp(logarithm))
        return float(np.mean([logsumexp(factor * found) - factor * found[right] for found, right in known]))

    return float(np.exp(minimize_scalar(loss, bounds=STEEPNESS, method="bounded").x))


BASELINES = {"majority": ByPlace, "longest_answer": Longest, "tfidf": Overlap}
