"""Aspects of questions for error analysis: the number of choices, the right one's place, and whether it is the longest.

A confusion matrix of places would mean nothing, since every question has its own choices. The place of the right choice
alone reveals a model that prefers one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.task_types.analysed import Aspect, Forecasts, in_order, numbered
from harness.task_types.multiple_choice.examples import ChoiceExample
from harness.task_types.probabilities import softmax

MOST_COUNTED = 10
LENGTHS = ("the longest", "in between", "the shortest")


def recorded_aspects(table: Any) -> Iterator[Aspect]:
    """Yield the place of the right choice, and the number of choices."""
    references = table["reference"].to_pylist()
    yield Aspect("right choice", tuple(references), tuple(sorted(set(references), key=lambda name: (len(name), name))))
    counts = [None if choices is None else len(choices) for choices in table["choices"].to_pylist()]
    yield numbered("choices", counts, MOST_COUNTED)


def read_aspects(examples: Sequence[ChoiceExample]) -> Iterator[Aspect]:
    """Yield how long the right choice is compared with the others."""
    yield in_order("right choice length", list(map(length_of_right, examples)), LENGTHS)


def length_of_right(example: ChoiceExample) -> str | None:
    """Return whether the right choice alone is the longest or the shortest in characters; None if all are equally long.

    >>> length_of_right(ChoiceExample("", ("?",), ("no", "perhaps", "yes"), 1))
    'the longest'
    """
    lengths = [len(choice) for choice in example.choices]
    own = lengths[example.right]
    if len(set(lengths)) == 1:
        return None
    alone = lengths.count(own) == 1
    return LENGTHS[0] if alone and own == max(lengths) else LENGTHS[2] if alone and own == min(lengths) else LENGTHS[1]


def forecasts(table: Any, labels: Sequence[str]) -> Forecasts | None:
    """Return the probability of each chosen choice; None if a row has no scores."""
    columns = [table[name].to_pylist() if name in table.column_names else [None] for name in ("logits", "choices")]
    if not len(table) or any(
        scores is None or choices is None or len(scores) != len(choices) or not np.isfinite(scores).all()
        for scores, choices in zip(*columns, strict=True)
    ):
        return None
    probabilities = [softmax(np.array(scores, dtype=np.float64)) for scores in columns[0]]
    references, predictions = (table[name].to_pylist() for name in ("reference", "prediction"))
    right = np.array([float(one == other) for one, other in zip(references, predictions, strict=True)])
    squares = [
        float(np.square(given - (np.arange(len(given)) == place_of(name))).sum())
        for given, name in zip(probabilities, references, strict=True)
    ]
    confidences = np.array([given[place_of(name)] for given, name in zip(probabilities, predictions, strict=True)])
    return Forecasts(confidences, right, np.arange(len(table)), np.array(squares))


def place_of(name: str) -> int:
    """Return the place of the choice with a letter.

    >>> [place_of(name) for name in ("A", "Z", "AA")]
    [0, 25, 26]
    """
    place = 0
    for character in name:
        place = 26 * place + ord(character) - ord("A") + 1
    return place - 1
