"""Splits with fewer examples, or with labels in another order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.data.task import Splits


def limited(
    splits: Splits, *, train: int | None, validation: int | None, test: int | None, is_nested: bool = False
) -> Splits:
    """Limit the number of examples in each split. The sample is the same for every model and seed.

    Args:
        splits: The full splits.
        train: Maximum number of training examples.
        validation: Maximum number of validation examples.
        test: Maximum number of test examples.
        is_nested: Whether a larger training split contains every smaller one, because both are the beginning of the
            same shuffled order. Other recipes keep their different samples, since their results are published.
    """
    return replace(
        splits,
        train=_first(splits.train, train) if is_nested else _sample(splits.train, train),
        validation=_sample(splits.validation, validation),
        test=_sample(splits.test, test),
    )


def _sample(examples: Sequence[Any], count: int | None) -> Sequence[Any]:
    if count is None or count >= len(examples):
        return examples
    return _at(examples, random.Random(0).sample(range(len(examples)), count))


def _first(examples: Sequence[Any], count: int | None) -> Sequence[Any]:
    """Return the first examples of one order. `sample` orders a small sample differently from a large one (CPython)."""
    if count is None or count >= len(examples):
        return examples
    return _at(examples, random.Random(0).sample(range(len(examples)), len(examples))[:count])


def _at(examples: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    return [examples[place] for place in sorted(places)]


def relabelled(splits: Splits, labels: tuple[str, ...]) -> Splits:
    """Return the splits with targets that refer to `labels`, the same names in another order."""
    if labels == splits.labels:
        return splits
    places = {old: labels.index(name) for old, name in enumerate(splits.labels)}
    return replace(
        splits,
        labels=labels,
        train=[example.relabelled(places) for example in splits.train],
        validation=[example.relabelled(places) for example in splits.validation],
        test=[example.relabelled(places) for example in splits.test],
    )


def texts_of(examples: Sequence[Any]) -> list[str]:
    """Return the distinct texts of the examples, to train a tokenizer on."""
    found: dict[str, None] = {}
    for example in examples:
        found.update(dict.fromkeys(part for part in example.parts if part))
    return list(found)
