"""Simple baselines. The task types implement them, since predictions differ by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.registry import TASK_TYPES


@dataclass(frozen=True)
class BaselineFamily:
    """A family of baselines, which are fitted without gradients.

    Attributes:
        name: The name of the baseline in the task types.
    """

    name: str

    def fit(self, examples: Sequence[Any], *, task_type: str, labels: tuple[str, ...], **settings: Any) -> Any:
        """Fit the baseline to training examples.

        Settings of the recipe that the baseline does not use are ignored.

        Returns:
            A `harness.task_types.baseline.FittedBaseline`.

        Raises:
            UserError: If there is no such baseline for this task type.
        """
        maker = TASK_TYPES.load(task_type).baseline(self.name)
        read = {name: settings[name] for name in getattr(maker, "reads", ()) if name in settings}
        return maker.fit(examples, labels, **read)

    def load(self, folder: Path, *, task_type: str, labels: tuple[str, ...]) -> Any:
        """Load a baseline saved in `folder`."""
        return TASK_TYPES.load(task_type).baseline(self.name).load(folder, labels)
