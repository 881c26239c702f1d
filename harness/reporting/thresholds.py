"""Scores at probability thresholds, as a table for people and as content for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.error_analysis.answered import AnsweredTask
from harness.error_analysis.breakdown import F1
from harness.error_analysis.thresholds import MEASURES, AtThreshold
from harness.metrics.metric import PERCENT
from harness.reporting.entries import Entry, Table
from harness.reporting.errors import model_entry, score, score_content

NOTE = (
    "A threshold chosen from this table is chosen on test examples, so its score here is too good. "
    "`harness predict RUN --threshold validation` takes the one with the best F1 on the validation split. Intervals "
    "are 95 % each. –: for some seed, nothing is predicted above it, or nothing is right."
)


def table_of(task: AnsweredTask, model: str, found: Sequence[AtThreshold]) -> Table:
    """A row for each threshold of one model."""
    rows = [
        (
            Entry(f"{one.threshold:.1f}"),
            Entry(f"{one.predicted:,.0f}"),
            *(score(one.scores[name], PERCENT) for name in MEASURES),
        )
        for one in found
    ]
    headings = ("Above", "Predicted", *(name[:1].upper() + name[1:] for name in MEASURES))
    return Table(f"{task.task} · {model}: {_what(found)} is predicted above a probability", headings, tuple(rows))


def by_model(task: AnsweredTask, found: Mapping[str, Sequence[AtThreshold]]) -> Table:
    """A row with the F1 of each model, and a column for each threshold, for a page."""
    (first, *_) = found.values()
    rows = [
        (model_entry(task, model), *(score(one.scores[F1], PERCENT) for one in rows)) for model, rows in found.items()
    ]
    caption = f"{task.task}: {F1} where {_what(first)} is predicted above a probability"
    return Table(caption, ("Model", *(f"Above {one.threshold:.1f}" for one in first)), tuple(rows))


def _what(found: Sequence[AtThreshold]) -> str:
    """The counted label if there is only one, else any."""
    counted = found[0].labels
    return counted[0] if len(counted) == 1 else "a label"


def content(found: Mapping[str, Sequence[AtThreshold]]) -> dict[str, Any]:
    """The same for programs."""
    return {
        model: [
            {
                "threshold": one.threshold,
                "predicted": one.predicted,
                **{name: score_content(value) for name, value in one.scores.items()},
            }
            for one in rows
        ]
        for model, rows in found.items()
    }
