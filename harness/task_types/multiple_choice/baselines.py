"""What the simple baselines choose.

`majority` takes the place that is right most often in training. `longest_answer` takes the longest choice, and `tfidf`
the one that shares most with what is asked (the cosine of TF-IDF weights). For the last two, training tells how much
the probability of a choice rises with its length, or its cosine; which one is chosen stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from harness.metrics.metric import Floats
from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.multiple_choice.examples import ChoiceExample

FILE = "choices.json"
STEEPNESS = (-5.0, 5.0)
"""Between which the logarithm of a steepness is sought."""

Examples = Sequence[ChoiceExample]


@dataclass(frozen=True)
class ByPlace:
    """The same place in every question.

    Attributes:
        counts: How often each place is right in the training data.
    """

    counts: tuple[int, ...]

    def outputs(self, examples: Examples) -> list[Floats]:
        """Logarithms of the places' counts, one more each, so that none is impossible."""
        return [np.log1p([self._count(place) for place in range(len(example.choices))]) for example in examples]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        _write(folder, {"counts": list(self.counts)})

    def _count(self, place: int) -> int:
        return self.counts[place] if place < len(self.counts) else 0


class Majority:
    """Makes a `ByPlace`."""

    def fit(self, examples: Examples, _labels: tuple[str, ...]) -> ByPlace:
        """The counts of `examples`, the training data."""
        return ByPlace(tuple(np.bincount([example.right for example in examples]).tolist()))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> ByPlace:
        """What `save` wrote into `folder`."""
        return ByPlace(tuple(_read(folder)["counts"]))


@dataclass(frozen=True)
class Longest:
    """The longest choice.

    Attributes:
        steepness: By how much the score of a choice rises with its share of the longest one's characters.
    """

    steepness: float

    def outputs(self, examples: Examples) -> list[Floats]:
        """A score for each choice."""
        return [self.steepness * lengths for lengths in map(_lengths, examples)]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        _write(folder, {"steepness": self.steepness})


class LongestAnswer:
    """Makes a `Longest`."""

    def fit(self, examples: Examples, _labels: tuple[str, ...]) -> Longest:
        """The steepness that suits `examples`, the training data."""
        return Longest(_steepness(examples, _lengths))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> Longest:
        """What `save` wrote into `folder`."""
        return Longest(_read(folder)["steepness"])


@dataclass(frozen=True)
class Overlap:
    """The choice that shares most with what is asked.

    Attributes:
        words: How rare each word is in the training data.
        steepness: By how much the score of a choice rises with its cosine.
    """

    words: Words
    steepness: float

    def outputs(self, examples: Examples) -> list[Floats]:
        """A score for each choice."""
        return [self.steepness * cosines for cosines in map(self.cosines, examples)]

    def cosines(self, example: ChoiceExample) -> Floats:
        """Of each choice with the texts of its question."""
        rows = self.words.rows([" ".join(example.texts), *example.choices])
        return np.asarray((rows[1:] @ rows[:1].T).toarray()[:, 0])

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        write_words(folder, (self.words,), {"steepness": np.array([self.steepness])})


class TfIdf:
    """Makes an `Overlap`."""

    def fit(self, examples: Examples, _labels: tuple[str, ...]) -> Overlap:
        """The words of all questions and choices of `examples`, the training data, and the steepness that suits it."""
        texts = dict.fromkeys(text for example in examples for text in (*example.texts, *example.choices))
        found = Overlap(fit_words(list(texts), 1), 1.0)
        return Overlap(found.words, _steepness(examples, found.cosines))

    def load(self, folder: Path, _labels: tuple[str, ...]) -> Overlap:
        """What `save` wrote into `folder`."""
        (words,), tensors = read_words(folder)
        return Overlap(words, float(tensors["steepness"][0]))


def _lengths(example: ChoiceExample) -> Floats:
    """Each choice's characters as a share of the longest one's."""
    lengths = np.array([len(choice) for choice in example.choices], dtype=np.float64)
    return np.asarray(lengths / lengths.max())


def _steepness(examples: Examples, values: Callable[[ChoiceExample], Floats]) -> float:
    """The factor above 0 on values of choices that makes the right ones likeliest, by their softmax."""
    known = [(values(example), example.right) for example in examples]

    def loss(logarithm: float) -> float:
        factor = float(np.exp(logarithm))
        return float(np.mean([logsumexp(factor * found) - factor * found[right] for found, right in known]))

    return float(np.exp(minimize_scalar(loss, bounds=STEEPNESS, method="bounded").x))


def _write(folder: Path, content: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")


def _read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return content


BASELINES = {"majority": Majority(), "longest_answer": LongestAnswer(), "tfidf": TfIdf()}
