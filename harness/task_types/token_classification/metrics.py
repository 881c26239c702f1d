"""Metrics of tags: entities, as scored in the CoNLL shared tasks, and single words.

An entity is found if type, first and last word all agree. Precision, recall and F1 are computed over the entities of
all sentences together (Tjong Kim Sang and De Meulder 2003, section 2.3). Each score is a ratio of sums over sentences,
so the influence of a sentence has a closed form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from harness.metrics.influence import ratio
from harness.metrics.metric import TEXTS, Floats, Metric, Scored, Values
from harness.task_types.token_classification.schemes import Entity, entities


@dataclass(frozen=True)
class Counts:
    """Numbers of entities of each type in each sentence [sentences, types].

    Attributes:
        found: Entities that are both predicted and in the reference.
        predicted: Predicted entities.
        there: Entities of the reference.
    """

    found: Floats
    predicted: Floats
    there: Floats


Sums = Callable[[Values, Values], tuple[Floats, Floats]]
"""Compute numerators and denominators [sentences, columns]. The score is the mean of the columns' ratios of sums."""


def counted(references: Values, predictions: Values) -> Counts:
    """Count the entities in tags of sentences. Only types that occur have a column, but there is at least one.

    Raises:
        UserError: If the tags do not encode entities.
    """
    return counted_by_type(references, predictions)[1]


def counted_by_type(references: Values, predictions: Values) -> tuple[tuple[str, ...], Counts]:
    """Count the entities, and return the types of the columns too."""
    there = [_entities(tuple(tags)) for tags in references]
    predicted = [_entities(tuple(tags)) for tags in predictions]
    found = [one & other for one, other in zip(there, predicted, strict=True)]
    types = sorted({entity.type for side in (*there, *predicted) for entity in side}) or [""]
    return tuple(types), Counts(*(_table(sides, types) for sides in (found, predicted, there)))


def _table(sides: Sequence[frozenset[Entity]], types: Sequence[str]) -> Floats:
    """Count the entities of each type in each sentence [sentences, types]."""
    columns = {name: column for column, name in enumerate(types)}
    table = np.zeros((len(sides), len(types)))
    rows = [row for row, side in enumerate(sides) for _ in side]
    np.add.at(table, (rows, [columns[entity.type] for side in sides for entity in side]), 1.0)
    return table


@lru_cache(maxsize=65536)  # all runs of a comparison have the same references, and most predictions equal them
def _entities(tags: tuple[str, ...]) -> frozenset[Entity]:
    return frozenset(entities(tags))


def _counts_of_types(column: Any, _labels: Sequence[str]) -> dict[str, int]:
    """Count the sentences that contain an entity of each type."""
    types = [{entity.type for entity in _entities(tuple(tags))} for tags in column.to_pylist()]
    return dict(Counter(name for found in types for name in found))


def _precision(references: Values, predictions: Values) -> tuple[Floats, Floats]:
    counts = counted(references, predictions)
    return _all_types(counts.found), _all_types(counts.predicted)


def _recall(references: Values, predictions: Values) -> tuple[Floats, Floats]:
    counts = counted(references, predictions)
    return _all_types(counts.found), _all_types(counts.there)


def _f1(references: Values, predictions: Values) -> tuple[Floats, Floats]:
    numerators, denominators = _f1_by_type(references, predictions)
    return _all_types(numerators), _all_types(denominators)


def _f1_by_type(references: Values, predictions: Values) -> tuple[Floats, Floats]:
    counts = counted(references, predictions)
    return 2 * counts.found, counts.predicted + counts.there


def _right_tags(references: Values, predictions: Values) -> tuple[Floats, Floats]:
    right = [
        (sum(one == other for one, other in zip(*pair, strict=True)), len(pair[0]))
        for pair in zip(references, predictions, strict=True)
    ]
    numerators, denominators = np.array(right, dtype=np.float64).T
    return numerators[:, None], denominators[:, None]


def _all_types(counts: Floats) -> Floats:
    return np.asarray(counts.sum(axis=1, keepdims=True))


def _scored(sums: Sums, references: Values, predictions: Values) -> Scored:
    scores, influences = ratio(*sums(references, predictions))
    return float(scores.mean()), influences.mean(axis=1)


def _metric(name: str, sums: Sums, **more: Any) -> Metric:
    return Metric(
        name,
        lambda references, predictions, _labels: _scored(sums, references, predictions)[0],
        influence=lambda references, predictions, _labels: _scored(
            sums, references.to_pylist(), predictions.to_pylist()
        ),
        form=(TEXTS, TEXTS),
        **more,
    )


ENTITY_F1 = _metric("entity_f1", _f1, title="entity F1", check=entities)
ENTITY_PRECISION = _metric("entity_precision", _precision, check=entities)
ENTITY_RECALL = _metric("entity_recall", _recall, check=entities)
ENTITY_MACRO_F1 = _metric(
    "entity_macro_f1", _f1_by_type, title="entity macro-F1", label_counts=_counts_of_types, check=entities
)
TAG_ACCURACY = _metric("tag_accuracy", _right_tags)
