"""What a record's task type says about its runs, if this version knows the type."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from harness.record import RunRecord
from harness.registry import TASK_TYPES, entry_folders
from harness.task_types.contract import TaskType


def is_as_published(record: RunRecord) -> bool:
    """Whether the run scored a language model as published, so that the seed has no effect."""
    training, model = record.config.get("training", {}), record.config.get("model", {})
    if training.get("maximum_steps") != 0 or model.get("init") != "pretrained":
        return False
    task_type = known_task_type(record.task_card.task_type)
    return task_type is not None and task_type.scored_as_found


def known_task_type(name: str) -> TaskType | None:
    """The task type; None if unknown to this version."""
    return _found_task_type(name, tuple(entry_folders()))


@lru_cache(maxsize=64)  # Called for every record of a comparison, and the registry scans folders each time.
def _found_task_type(name: str, _folders: tuple[Path, ...]) -> TaskType | None:
    if name not in TASK_TYPES.names():
        return None
    found: TaskType = TASK_TYPES.load(name)
    return found
