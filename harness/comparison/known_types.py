"""What the task type of a record says of its runs, where this version knows it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from harness.record import RunRecord
from harness.registry import TASK_TYPES, entry_folders
from harness.task_types.contract import TaskType


def is_as_published(record: RunRecord) -> bool:
    """Whether the run scored a language model as it was found, in which no seed plays a part."""
    training, model = record.config.get("training", {}), record.config.get("model", {})
    untouched = training.get("maximum_steps") == 0 and model.get("init") == "pretrained"
    return untouched and _scored_as_found(record.task_card.task_type)


def _scored_as_found(name: str) -> bool:
    """Whether models of the task type need no training to be scored; a type that this version does not know: no."""
    task_type = known_task_type(name)
    return task_type is not None and task_type.scored_as_found


def known_task_type(name: str) -> TaskType | None:
    """The task type; None where this version does not know it."""
    return _found_task_type(name, tuple(entry_folders()))


@lru_cache(maxsize=64)  # Every record of a comparison asks, and the registry looks through folders each time.
def _found_task_type(name: str, _folders: tuple[Path, ...]) -> TaskType | None:
    if name not in TASK_TYPES.names():
        return None
    found: TaskType = TASK_TYPES.load(name)
    return found
