"""Score a finished run's checkpoint again: on a split of its task, or on rows that came later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.config.run import RunConfig, limited_splits, task_of
from harness.data.files import refuse
from harness.data.loading import load_splits, table_problems
from harness.data.rows import Reading
from harness.data.sources import SPLITS
from harness.data.splits import relabelled
from harness.data.task import Row
from harness.errors import UserError, nearest
from harness.record import RunRecord
from harness.runs.predict import answer, recorded
from harness.training.evaluation import scored


def scores_of_split(run: Path, split: str) -> dict[str, float]:
    """The run's metrics on a split of its own task ("train", "validation" or "test"), its examples read anew.

    Raises:
        UserError: The run has no checkpoint; there is no such split; or its data is not available, or not what it was.
    """
    if split not in SPLITS:
        raise UserError(f"split: {split!r}: no such split.{nearest(split, SPLITS)}")
    record, config = recorded(run)
    examples = examples_of_split(run, record, config, split)
    return scored(answer(run, record, config, examples=examples), config.metrics, record.task_card.labels)


def examples_of_split(run: Path, record: RunRecord, config: RunConfig, split: str) -> Sequence[Any]:
    """The examples of a split of a run's own task, read anew.

    Raises:
        UserError: The data is not available, or not what it was; or the run never had the split.
    """
    task = task_of(config)
    if split == "test" and config.evaluate != "test":
        raise UserError(
            f"{run}: was run with --validation-only, so its training rows may repeat test rows. "
            "Run it without, or give other data to score it on."
        )
    if task.source.fingerprint() != config.data:
        raise UserError(f"{run}: its task's data has changed since it was recorded. Give the data to score it on.")
    splits = limited_splits(load_splits(task, test=config.evaluate == "test"), config)
    examples: Sequence[Any] = getattr(relabelled(splits, record.task_card.labels), split)
    return examples


def scores_of_rows(run: Path, rows: Sequence[Row]) -> dict[str, float]:
    """The run's metrics on rows with their answers, in the columns of its task.

    Raises:
        UserError: The run has no checkpoint; or every mistake in the rows.
    """
    record, config = recorded(run)
    task, labels = task_of(config), record.task_card.labels
    rows = [task.type.answered(task, row) for row in rows]
    refuse(table_problems(task, "data", rows))
    reading = Reading(task, labels)
    examples = reading.examples("data", rows)
    refuse(reading.problems)
    if not examples:
        raise UserError(f"data: no row is left to score ({dict(reading.dropped)}). Give rows with answers.")
    return scored(answer(run, record, config, examples=examples), config.metrics, labels)
