"""Baselines of question answering, which answer with spans.

`majority` answers with the part of the context that works best in training: a sentence, the whole context, or none.
`tfidf` answers with the sentence most similar to the question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from harness.models.tfidf_features import Words, fit_words, read_words, write_words
from harness.task_types.baseline import read_json, write_json
from harness.task_types.question_answering.examples import QuestionExample
from harness.task_types.question_answering.metrics import qa_f1s
from harness.task_types.question_answering.spans import Span, sentences

FILE = "majority.json"

Place = tuple[int, int]


def _whole(context: str) -> Place:
    return (0, len(context))


def _sentence(choose: Callable[[list[Place]], Place]) -> Callable[[str], Place]:
    return lambda context: choose(sentences(context) or [_whole(context)])


# Answers that do not depend on the question. Ties go to the first.
STRATEGIES: dict[str, Callable[[str], Place]] = {
    "first sentence": _sentence(lambda places: places[0]),
    "last sentence": _sentence(lambda places: places[-1]),
    "longest sentence": _sentence(lambda places: max(places, key=lambda place: place[1] - place[0])),
    "whole context": _whole,
    "no answer": lambda context: (-1, -1),
}


@dataclass(frozen=True)
class ConstantPlace:
    """A baseline that answers with the same part of every context.

    Attributes:
        strategy: The name of the part, one of `STRATEGIES`.
        score: Mean token F1 on the training data of the best strategy that answers.
        no_answer_score: Mean token F1 without any answer: the fraction of questions without an answer.
    """

    strategy: str
    score: float
    no_answer_score: float

    @classmethod
    def fit(cls, examples: Sequence[QuestionExample], _labels: tuple[str, ...]) -> Self:
        """Find the strategy with the best answers to the training data, `examples`."""
        f1 = {name: _mean_f1(place, examples) for name, place in STRATEGIES.items()}
        answering = max(score for name, score in f1.items() if name != "no answer")
        return cls(max(f1, key=lambda name: f1[name]), answering, f1["no answer"])

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        return cls(**read_json(folder / FILE))

    def outputs(self, examples: Sequence[QuestionExample]) -> list[Span]:
        """Return one span per question."""
        place = STRATEGIES[self.strategy]
        return [Span(*place(example.context), self.score, self.no_answer_score) for example in examples]

    def save(self, folder: Path) -> None:
        """Save the strategy in `folder`."""
        write_json(folder / FILE, vars(self))


@dataclass(frozen=True)
class NearestSentence:
    """A baseline that answers with the sentence of the context most similar to the question."""

    words: Words

    @classmethod
    def fit(cls, examples: Sequence[QuestionExample], _labels: tuple[str, ...]) -> Self:
        """Fit the words of the training data's contexts, with rarer words weighted higher."""
        contexts = dict.fromkeys(example.context for example in examples)
        return cls(fit_words([context[start:end] for context in contexts for start, end in sentences(context)], 1))

    @classmethod
    def load(cls, folder: Path, _labels: tuple[str, ...]) -> Self:
        """Load what `save` wrote to `folder`."""
        return cls(read_words(folder)[0][0])

    def outputs(self, examples: Sequence[QuestionExample]) -> list[Span]:
        """Return one span per question, scored by cosine similarity. No answer scores 0, as if no word were shared."""
        return [self._nearest(example) for example in examples]

    def save(self, folder: Path) -> None:
        """Save the words in `folder`."""
        write_words(folder, (self.words,), {})

    def _nearest(self, example: QuestionExample) -> Span:
        places = sentences(example.context)
        if not places:
            return Span(-1, -1, 0.0, 0.0)
        rows = self.words.rows([example.question, *(example.context[start:end] for start, end in places)])
        cosines = (rows[1:] @ rows[:1].T).toarray()[:, 0]
        best = int(cosines.argmax())
        return Span(*places[best], float(cosines[best]), 0.0)


def _mean_f1(place: Callable[[str], Place], examples: Sequence[QuestionExample]) -> float:
    """Compute the mean token F1 (Rajpurkar et al. 2016) if every question gets the same part of its context."""
    predictions = [example.context[slice(*place(example.context))] for example in examples]
    references = [[answer.text for answer in example.answers] for example in examples]
    return float(np.mean(qa_f1s(references, predictions)))


BASELINES = {"majority": ConstantPlace, "tfidf": NearestSentence}
