"""Splits made to measure: fewer examples, or labels in another order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.data.task import Splits


def limited(
    splits: Splits, *, train: int | None, validation: int | None, test: int | None, is_nested: bool = False
) -> Splits:
    """The splits with at most so many examples each: the same ones for every model and seed.

    Args:
        splits: The whole ones.
        train: Most training examples.
        validation: Most validation examples.
        test: Most test examples.
        is_nested: Whether a larger training split has all that a smaller one has: the first ones of one shuffled order.
            Those of another order are kept for other recipes, whose numbers are published.
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
    """The first ones of one order; `sample` has another order for a small share than for a large one (CPython)."""
    if count is None or count >= len(examples):
        return examples
    return _at(examples, random.Random(0).sample(range(len(examples)), len(examples))[:count])


def _at(examples: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    return [examples[place] for place in sorted(places)]


def relabelled(splits: Splits, labels: tuple[str, ...]) -> Splits:
    """The splits with targets that point into `labels`, the same names in another order."""
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
    """Every text of the examples, for a tokenizer that is trained on them; each once."""
    found: dict[str, None] = {}
    for example in examples:
        found.update(dict.fromkeys(part for part in example.parts if part))
    return list(found)
