"""Evaluation of a finished run's model on new rows: scores with intervals, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import pyarrow

from harness.comparison.formatting import NOTHING
from harness.comparison.predictions import COLUMNS
from harness.comparison.statistics import Estimate
from harness.comparison.subsets import Answers, score_of
from harness.metrics.lookup import find_metric, metric_name, unit_of
from harness.reporting.entries import Entry, Table

if TYPE_CHECKING:  # It needs torch.
    from harness.runs.evaluation import Evaluation

SCOPE = "Intervals are about this one trained model on other rows like these, and not about other seeds."

Estimates = Mapping[str, Estimate | None]


def estimates_of(found: Evaluation) -> Estimates:
    """Each score with its interval; None for a metric of a third-party script, whose examples are unknown."""
    table = pyarrow.Table.from_pylist([{name: row[name] for name in COLUMNS} for row in found.rows])
    answers = Answers((table,), found.record.task_card.labels)
    return {name: score_of(answers, find_metric(name)) for name in found.scores}


def group_count(found: Evaluation) -> int:
    """Number of groups of rows; a row without a group counts as one."""
    return len({row["group"] or ("", row["id"]) for row in found.rows})


def evaluated_table(found: Evaluation, estimates: Estimates) -> Table:
    """A row for each metric that applies to the model."""
    rows = [_row(name, score, estimates[name]) for name, score in found.scores.items() if isfinite(score)]
    groups, record = group_count(found), found.record
    sizes = f"{len(found.rows):,} rows" + (f" in {groups:,} groups" if groups < len(found.rows) else "")
    title = f"{record.task} · {record.model} · {record.which}: {sizes}"
    return Table(title, ("Metric", "Score", "95 % interval"), tuple(rows))


def evaluated_content(found: Evaluation, estimates: Estimates) -> dict[str, Any]:
    """The same for programs: every number in its natural unit."""
    finite = {name: score for name, score in found.scores.items() if isfinite(score)}
    scores = {name: {"score": score, **_ends(estimates[name])} for name, score in finite.items()}
    return {"rows": len(found.rows), "groups": group_count(found), "dropped": dict(found.dropped), "scores": scores}


def _row(name: str, score: float, estimate: Estimate | None) -> tuple[Entry, ...]:
    unit = unit_of(name)
    return (
        Entry(metric_name(name)),
        Entry(unit.score(score)),
        Entry(NOTHING if estimate is None else unit.interval(estimate)),
    )


def _ends(estimate: Estimate | None) -> dict[str, float | None]:
    return {
        "low": None if estimate is None else estimate.low,
        "high": None if estimate is None else estimate.high,
    }
