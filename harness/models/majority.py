"""The floor that reads nothing: the one answer that suits the training data best."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from harness.data.spans import Span, sentences
from harness.models._bytes import ByteFrequencies, byte_frequencies, read_byte_frequencies
from harness.models._constants import constant_scores
from tasks.metrics import metric
from tasks.task import Example, QuestionExample

FILE = "majority.json"

Place = tuple[int, int]


def _whole(context: str) -> Place:
    return (0, len(context))


def _sentence(choose: Callable[[list[Place]], Place]) -> Callable[[str], Place]:
    return lambda context: choose(sentences(context) or [_whole(context)])


# Answers that need no question, the first of equals first.
STRATEGIES: dict[str, Callable[[str], Place]] = {
    "first sentence": _sentence(lambda places: places[0]),
    "last sentence": _sentence(lambda places: places[-1]),
    "longest sentence": _sentence(lambda places: max(places, key=lambda place: place[1] - place[0])),
    "whole context": _whole,
    "no answer": lambda context: (-1, -1),
}


@dataclass(frozen=True)
class Constant:
    """The same scores for every text: the most frequent class, the labels that most have, or the mean."""

    scores: tuple[float, ...]
    kind: str

    def outputs(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Log-probabilities or log-odds [examples, labels], or numbers [examples]."""
        table = np.tile(np.array(self.scores), (len(examples), 1))
        return table[:, 0] if self.kind == "regression" else table

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        _write(folder, {"scores": self.scores})


@dataclass(frozen=True)
class ConstantPlace:
    """The same place in every context.

    Attributes:
        strategy: One of `STRATEGIES`.
        score: Mean token F1 on the training data of the best strategy that answers.
        no_answer_score: The same of never answering: the share of questions without an answer.
    """

    strategy: str
    score: float
    no_answer_score: float

    def outputs(self, examples: Sequence[Example]) -> list[Span]:
        """A span for each question."""
        place = STRATEGIES[self.strategy]
        contexts = [cast(QuestionExample, example).context for example in examples]
        return [Span(*place(context), self.score, self.no_answer_score) for context in contexts]

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        _write(folder, vars(self))


Fitted = Constant | ConstantPlace | ByteFrequencies


class Majority:
    """The family. Its members read the training targets and nothing else."""

    def fit(self, examples: Sequence[Example], *, kind: str, labels: tuple[str, ...]) -> Fitted:
        """The best constant for `examples`, the training data."""
        if kind == "language_modelling":
            return byte_frequencies(examples)
        if kind == "question_answering":
            return _best_place([cast(QuestionExample, example) for example in examples])
        return Constant(tuple(constant_scores(examples, kind=kind, labels=labels).tolist()), kind)

    def load(self, folder: Path, *, kind: str, labels: tuple[str, ...]) -> Fitted:
        """What `save` wrote into `folder`."""
        if kind == "language_modelling":
            return read_byte_frequencies(folder)
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if kind == "question_answering":
            return ConstantPlace(**content)
        assert kind == "regression" or len(content["scores"]) == len(labels), (folder, labels)
        return Constant(tuple(content["scores"]), kind)


family = Majority()


def _write(folder: Path, content: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")


def _best_place(examples: Sequence[QuestionExample]) -> ConstantPlace:
    f1 = {name: _mean_f1(place, examples) for name, place in STRATEGIES.items()}
    answering = max(score for name, score in f1.items() if name != "no answer")
    return ConstantPlace(max(f1, key=lambda name: f1[name]), answering, f1["no answer"])


def _mean_f1(place: Callable[[str], Place], examples: Sequence[QuestionExample]) -> float:
    """Mean token F1 (Rajpurkar et al. 2016) of answering every question of `examples` from the same place."""
    predictions = [example.context[slice(*place(example.context))] for example in examples]
    references = [[answer.text for answer in example.answers] for example in examples]
    per_example = metric("qa_f1").per_example
    assert per_example is not None
    return float(np.mean(per_example(references, predictions, ())))
