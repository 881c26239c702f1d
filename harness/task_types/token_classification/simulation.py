"""Sentences with entities of three types, of which a run finds the more, and makes up the fewer, the better it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.metrics.metric import Floats
from harness.task_types.simulated import Generator, Simulation, of_sums

ENTITIES = np.array([0.8, 0.5, 0.2])
"""Entities of each type in a sentence, on average."""
MOST = 4
"""Entities of one type in a sentence."""
MADE_UP = 0.3
"""Entities in a sentence that are predicted and not there, where none that is there is found; by type alike."""
WORDS = (5, 40)
"""In a sentence."""


@dataclass(frozen=True)
class Sentences:
    """The right answers.

    Attributes:
        there: Entities [sentences, types].
        words: [sentences].
    """

    there: Floats
    words: Floats


def _sentences(rng: Generator, examples: int) -> Sentences:
    there = np.minimum(rng.poisson(ENTITIES, (examples, len(ENTITIES))), MOST).astype(float)
    return Sentences(there, rng.integers(*WORDS, examples).astype(float))


def _share_found(quality: Floats) -> Floats:
    return 1 / (1 + np.exp(-2.0 * quality))


def _entities(rng: Generator, sentences: Sentences, quality: Floats) -> tuple[Floats, Floats]:
    """Those that are found, and all that are predicted [sentences, types]."""
    share = _share_found(quality)[:, None]
    is_there = np.arange(MOST) < sentences.there[:, :, None]
    found = (is_there & (rng.random(is_there.shape) < share[:, :, None])).sum(axis=2).astype(float)
    return found, found + rng.poisson(MADE_UP * (1 - share) / len(ENTITIES), sentences.there.shape)


Counts = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]


def _of_entities(counts: Counts) -> Simulation:
    """Ratios of sums of what is found, predicted and there."""

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
