"""Simple baselines of a task type: what `baselines.py` of its folder provides."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, Protocol


class FittedBaseline(Protocol):
    """A fitted simple baseline."""

    def outputs(self, examples: Sequence[Any]) -> Any:
        """Return an output per example, from which the objective makes predictions."""

    def save(self, folder: Path) -> None:
        """Save the baseline in `folder`, without pickle."""


class BaselineMaker(Protocol):
    """A simple baseline for one task type: often the class of the fitted baseline itself."""

    def fit(self, examples: Sequence[Any], labels: tuple[str, ...]) -> FittedBaseline:
        """Fit the baseline to the training examples."""

    def load(self, folder: Path, labels: tuple[str, ...]) -> FittedBaseline:
        """Load a baseline that `save` wrote to `folder`."""


def write_json(file: Path, content: object) -> None:
    """Write a baseline's content to a file, and create its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def read_json(file: Path) -> Any:
    """Read what `write_json` wrote."""
    return json.loads(file.read_text(encoding="utf-8"))


def most_frequent(references: Sequence[Hashable]) -> list[Any]:
    """Return the most frequent reference, once for each reference. Ties go to the first in order.

    >>> most_frequent(["b", "a", "c", "a", "b"])
    ['a', 'a', 'a', 'a', 'a']
    """
    counts = Counter(references)
    most = max(counts.values())
    return [min((one for one, count in counts.items() if count == most), key=repr)] * len(references)
