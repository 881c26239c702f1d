"""Simulated sentences with entities of three types. A better run finds more of them and predicts fewer wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.metrics.metric import Floats
from harness.task_types.simulated import Generator, Simulation, of_sums

ENTITIES = np.array([0.8, 0.5, 0.2])
"""Mean number of entities of each type in a sentence."""
MOST = 4
"""Maximum number of entities of one type in a sentence."""
MADE_UP = 0.3
"""Mean number of wrong entities in a sentence if no true one is found; the same for all types."""
WORDS = (5, 40)
"""The range of the number of words in a sentence."""


@dataclass(frozen=True)
class Sentences:
    """Simulated references.

    Attributes:
        there: Numbers of entities [sentences, types].
        words: Numbers of words [sentences].
    """

    there: Floats
    words: Floats


def _sentences(rng: Generator, examples: int) -> Sentences:
    there = np.minimum(rng.poisson(ENTITIES, (examples, len(ENTITIES))), MOST).astype(float)
    return Sentences(there, rng.integers(*WORDS, examples).astype(float))


def _share_found(quality: Floats) -> Floats:
    return 1 / (1 + np.exp(-2.0 * quality))


def _entities(rng: Generator, sentences: Sentences, quality: Floats) -> tuple[Floats, Floats]:
    """Return the numbers of entities that are found and that are predicted [sentences, types]."""
    share = _share_found(quality)[:, None]
    is_there = np.arange(MOST) < sentences.there[:, :, None]
    found = (is_there & (rng.random(is_there.shape) < share[:, :, None])).sum(axis=2).astype(float)
    return found, found + rng.poisson(MADE_UP * (1 - share) / len(ENTITIES), sentences.there.shape)


Counts = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]


def _of_entities(counts: Counts) -> Simulation:
    """Simulate ratios of sums of found, predicted and true entities."""

    def sums(rng: Generator, sentences: Sentences, quality: Floats) -> tuple[Floats, Floats]:
        return counts(*_entities(rng, sentences, quality), sentences.there)

    return of_sums(sums, _sentences)


def _right_words(rng: Generator, sentences: Sentences, quality: Floats) -> tuple[Floats, Floats]:
    right = rng.binomial(sentences.words.astype(int), 0.7 + 0.3 * _share_found(quality)).astype(float)
    return right[:, None], sentences.words[:, None]


def _together(table: Floats) -> Floats:
    return np.asarray(table.sum(axis=1, keepdims=True))


SIMULATIONS: Mapping[str, Simulation] = {
    "entity_f1": _of_entities(lambda found, given, there: (_together(2 * found), _together(given + there))),
    "entity_precision": _of_entities(lambda found, given, _there: (_together(found), _together(given))),
    "entity_recall": _of_entities(lambda found, _given, there: (_together(found), _together(there))),
    "entity_macro_f1": _of_entities(lambda found, given, there: (2 * found, given + there)),
    "tag_accuracy": of_sums(_right_words, _sentences),
}
