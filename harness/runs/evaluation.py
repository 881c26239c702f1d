"""Evaluate a finished run's checkpoint again, on a split of its task or on new rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config.run import RunConfig, limited_splits, task_of
from harness.data.loading import table_problems
from harness.data.placed_rows import refuse
from harness.data.rows import Reading
from harness.data.sources import SPLITS
from harness.data.splits import relabelled
from harness.data.task import Row
from harness.errors import UserError, nearest, notice
from harness.record import RunRecord
from harness.runs.answering import ready_model
from harness.runs.exported import recorded
from harness.runs.run_splits import whole_splits
from harness.training.evaluation import scored

RENAME = " Rename the column: this is its name in the run's task."


@dataclass(frozen=True)
class Evaluation:
    """The results of a run's checkpoint on examples with answers.

    Attributes:
        record: The record of the run.
        rows: Rows as in predictions.parquet, without `length`.
        scores: The scores by metric.
        dropped: Number of rows left out, by reason.
    """

    record: RunRecord
    rows: Sequence[Mapping[str, Any]]
    scores: dict[str, float]
    dropped: Mapping[str, int]


def evaluation_of_split(run: Path, split: str) -> Evaluation:
    """Evaluate the run's checkpoint on a split of its own task ("train", "validation" or "test"), which is read again.

    Raises:
        UserError: If the run has no checkpoint, there is no such split, or its data is missing or changed.
    """
    if split not in SPLITS:
        raise UserError(f"split: {split!r}: no such split.{nearest(split, SPLITS)}")
    record, config = recorded(run)
    examples = examples_of_split(run, record, config, split)
    if not examples:
        raise UserError(f"{run}: its task has no {split} examples. Choose another split, or give data to score it on.")
    return _evaluated(run, record, config, examples)


def examples_of_split(run: Path, record: RunRecord, config: RunConfig, split: str) -> Sequence[Any]:
    """Read the examples of a split of a run's own task again.

    Raises:
        UserError: If the data is missing or changed, or the run never had the split.
    """
    task = task_of(config)
    if split == "test" and config.evaluate != "test":
        raise UserError(
            f"{run}: was run with --validation-only, so its training rows may repeat test rows. "
            "Run it without, or give other data to score it on."
        )
    if task.source.fingerprint() != config.data:
        raise UserError(f"{run}: its task's data has changed since it was recorded. Give the data to score it on.")
    splits = limited_splits(whole_splits(task, config, test=config.evaluate == "test"), config)
    examples: Sequence[Any] = getattr(relabelled(splits, record.task_card.labels), split)
    return examples


def evaluation_of_rows(run: Path, rows: Sequence[Row], *, group: str | None = None) -> Evaluation:
    """Evaluate the run's checkpoint on rows with answers, in the columns of its task.

    Args:
        run: The folder of one run.
        rows: The rows to evaluate on.
        group: The column that groups dependent rows; default: that of the task, if the rows have it.

    Raises:
        UserError: If the run has no checkpoint, or for every mistake in the rows.
    """
    record, config = recorded(run)
    task, labels = task_of(config), record.task_card.labels
    if group is not None:
        task = replace(task, group=group)
    elif task.group and not any(task.group in task.answered(row) for row in rows):
        notice(f"data: no row has the task's group column {task.group!r}, so each row counts as independent.")
        task = replace(task, group=None)
    rows = [task.answered(row) for row in rows]
    refuse(table_problems(task, "data", rows, advice=RENAME))
    reading = Reading(task, labels if task.type.labels_are_outputs else task.type.label_names(task, rows))
    examples = reading.examples("data", rows)
    refuse(reading.problems)
    if not examples:
        raise UserError(f"data: no row is left to score ({dict(reading.dropped)}). Give rows with answers.")
    return _evaluated(run, record, config, examples, reading.dropped)


def _evaluated(
    run: Path, record: RunRecord, config: RunConfig, examples: Sequence[Any], dropped: Counter[str] | None = None
) -> Evaluation:
    answers = ready_model(run, record, config).answer(examples)
    rows = [{"id": example.id, "group": example.group, **row} for row, example in zip(answers, examples, strict=True)]
    return Evaluation(record, rows, scored(rows, config.metrics, record.task_card.labels), dict(dropped or {}))
