"""What the training targets say before any text is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tasks.task import Example, TextExample


def targets(examples: Sequence[Example]) -> list[int | float | tuple[int, ...]]:
    """The targets of text examples."""
    return [cast(TextExample, example).target for example in examples]


def constant_scores(examples: Sequence[Example], *, kind: str, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """The scores that suit every example of the training data alike.

    One is added to each count (Laplace's rule of succession), so that a label that training lacks is improbable, not
    impossible.

    Returns:
        classification: log-probabilities [labels]; multi_label: log-odds [labels]; regression: the mean [1].
    """
    wanted = targets(examples)
    if kind == "regression":
        return np.array([np.mean(wanted) if wanted else 0.0])
    if kind == "classification":
        counts = np.bincount(np.array(wanted, dtype=int), minlength=len(labels))
        return np.asarray(np.log((counts + 1) / (len(wanted) + len(labels))))
    assert kind == "multi_label", kind
    counts = indicators(examples, labels).sum(axis=0)
    return np.asarray(np.log((counts + 1) / (len(wanted) - counts + 1)))


def indicators(examples: Sequence[Example], labels: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which labels each example has [examples, labels]."""
    has = np.zeros((len(examples), len(labels)), dtype=bool)
    for row, target in zip(has, targets(examples), strict=True):
        row[list(cast(tuple[int, ...], target))] = True
    return has
