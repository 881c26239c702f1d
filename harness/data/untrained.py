"""Splits for scoring without training: a test file alone, or a few texts that are not split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.data.loading import table_problems
from harness.data.placed_rows import refuse
from harness.data.rows import Reading
from harness.data.sources import Files
from harness.data.splitting import LEAST_EXAMPLES
from harness.data.task import Row, Splits, Task


def splits_to_score(task: Task) -> Splits | None:
    """Return the user's files as the test split, and validation split if given; None if they need to be split.

    Without a test file or folds, a few rows are all used as the test split. Duplicates are kept, since nothing is
    trained.

    Raises:
        UserError: For all mistakes in the data, each with its row.
    """
    if (
        task.fold is not None
        or not isinstance(task.source, Files)
        or (task.source.train is not None and task.source.test is not None)
    ):
        return None
    found = _untrained(task.source.rows())
    if found is None:
        return None
    tables = {split: [task.answered(row) for row in rows] for split, rows in found.items()}
    refuse([problem for split, rows in tables.items() for problem in table_problems(task, split, rows)])
    reading = Reading(task, task.type.label_names(task, tables["test"]))
    examples = {split: reading.examples(split, rows) for split, rows in tables.items()}
    refuse(reading.problems)
    refuse(["test: no row is left to score. Give at least one text."] if not examples["test"] else [])
    return Splits(
        train=(),
        validation=examples.get("validation", ()),
        test=examples["test"],
        labels=reading.outputs,
        dropped=dict(reading.dropped),
    )


def _untrained(tables: Mapping[str, Sequence[Row]]) -> dict[str, Sequence[Row]] | None:
    """Return the tables without a training split; None if there is one that is large enough to be split."""
    if "train" not in tables:
        return dict(tables)
    if "test" in tables or len(tables["train"]) >= LEAST_EXAMPLES:
        return None
    return {**{split: rows for split, rows in tables.items() if split != "train"}, "test": tables["train"]}
