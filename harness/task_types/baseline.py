"""Simple baselines of a task type: what `baselines.py` of its folder provides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


class FittedBaseline(Protocol):
    """A fitted simple baseline."""

    def outputs(self, examples: Sequence[Any]) -> Any:
        """Return an output per example, from which the objective makes predictions."""

    def save(self, folder: Path) -> None:
        """Save the baseline in `folder`, without pickle."""


class BaselineMaker(Protocol):
    """A simple baseline for one task type."""

    def fit(self, examples: Sequence[Any], labels: tuple[str, ...]) -> FittedBaseline:
        """Fit the baseline to the training examples."""

    def load(self, folder: Path, labels: tuple[str, ...]) -> FittedBaseline:
        """Load a baseline that `save` wrote."""
