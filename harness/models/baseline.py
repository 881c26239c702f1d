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

    def fit(self, examples: Sequence[Any], *, task_type: str, labels: tuple[str, ...], **settings: Any) -> Any:
        """A `harness.task_types.contract.FittedBaseline` of `examples`, the training data.

        What of `settings`, of a recipe, a task type's answer does not read is left out.

        Raises:
            UserError: It has no answer to tasks of this type.
        """
        maker = TASK_TYPES.load(task_type).baseline(self.name)
        read = {name: settings[name] for name in getattr(maker, "reads", ()) if name in settings}
        return maker.fit(examples, labels, **read)

    def load(self, folder: Path, *, task_type: str, labels: tuple[str, ...]) -> Any:
        """What was saved in `folder`."""
        return TASK_TYPES.load(task_type).baseline(self.name).load(folder, labels)
