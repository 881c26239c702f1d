"""Splits made to measure: fewer examples, or labels in another order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.config import Training
from tasks.task import Example, Splits, TextExample


def limited(splits: Splits, training: Training) -> Splits:
    """The splits with at most the recipe's number of examples: the same ones for every model and seed."""
    return replace(
        splits,
        train=_sample(splits.train, training.train_examples),
        validation=_sample(splits.validation, training.validation_examples),
        test=_sample(splits.test, training.test_examples),
    )


def _sample(examples: Sequence[Example], count: int | None) -> Sequence[Example]:
    if count is None or count >= len(examples):
        return examples
    chosen = sorted(random.Random(0).sample(range(len(examples)), count))
    return [examples[index] for index in chosen]


def relabelled(splits: Splits, labels: tuple[str, ...]) -> Splits:
    """The splits with targets that point into `labels`, the same names in another order."""
    if labels == splits.labels:
        return splits
    place = {old: labels.index(name) for old, name in enumerate(splits.labels)}
    return replace(
        splits,
        labels=labels,
        train=[_moved(example, place) for example in splits.train],
        validation=[_moved(example, place) for example in splits.validation],
        test=[_moved(example, place) for example in splits.test],
    )


def _moved(example: Example, place: dict[int, int]) -> Example:
    assert isinstance(example, TextExample)
    target: Any = example.target
    moved = tuple(place[index] for index in target) if isinstance(target, tuple) else place[target]
    return replace(example, target=moved)


def texts_of(examples: Sequence[Any]) -> list[str]:
    """Every text of the examples, for a tokenizer that is trained on them; each once."""
    found: dict[str, None] = {}
    for example in examples:
        found.update(dict.fromkeys(part for part in example.parts if part))
    return list(found)
