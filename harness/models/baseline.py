"""A simple baseline whose answers the task types give: what is right without a gradient differs with the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.registry import TASK_TYPES


@dataclass(frozen=True)
class BaselineFamily:
    """A family of models that are fitted in one go.

    Attributes:
        name: Its name, as the task types know it.
    """

    name: str

    def fit(self, examples: Sequence[Any], *, task_type: str, labels: tuple[str, ...]) -> Any:
        """A `harness.task_types.contract.FittedBaseline` of `examples`, the training data.

        Raises:
            UserError: It has no answer to tasks of this type.
        """
        return TASK_TYPES.load(task_type).baseline(self.name).fit(examples, labels)

    def load(self, folder: Path, *, task_type: str, labels: tuple[str, ...]) -> Any:
        """What was saved in `folder`."""
        return TASK_TYPES.load(task_type).baseline(self.name).load(folder, labels)
