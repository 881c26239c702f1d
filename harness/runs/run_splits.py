"""The splits of a run's task: loaded for the run, and read again for later uses."""

from __future__ import annotations

from harness.config.run import RunConfig, limited_splits, task_of
from harness.data.loading import load_splits
from harness.data.task import Splits, Task
from harness.data.untrained import splits_to_score
from harness.errors import UserError


def is_scored_as_found(task: Task, config: RunConfig) -> bool:
    """Return whether the run trains nothing and scores texts as they are, so that none need to be split off."""
    return task.type.scored_as_found and config.training.maximum_steps == 0 and config.evaluate == "test"


def whole_splits(task: Task, config: RunConfig, *, test: bool) -> Splits:
    """Load the splits of a run's task, without the limits of its recipe.

    Raises:
        UserError: If the data can't be read.
    """
    alone = splits_to_score(task) if is_scored_as_found(task, config) else None
    return alone or load_splits(task, test=test)


def read_splits(config: RunConfig, *, test: bool = True) -> Splits:
    """Read the splits of a run again.

    Args:
        config: The configuration of the run.
        test: Whether to read the test split.

    Raises:
        UserError: If its data is missing or changed.
    """
    task = task_of(config)
    if task.source.fingerprint() != config.data:
        raise UserError(f"{config.task}: its data has changed since the run was recorded.")
    return limited_splits(whole_splits(task, config, test=test), config)
