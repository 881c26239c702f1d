"""CSV: a row a cell in full precision, for a spreadsheet or a script."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from harness.comparison.collapse import collapse_upper_bound
from harness.comparison.results import COPIED, Cell, Comparison, Cost, Difference, TaskComparison
from harness.printable import printable
from harness.reporting.columns import DETAILS

Field = str | int | float | bool | None
FORMULA = tuple("=+-@＝＋－＠")
"""What a formula begins with, blanks aside; in full width to some versions of spreadsheets."""


def render(comparison: Comparison) -> str:
    """One row per task and model, gaps included; numbers in their natural unit, an empty field where there is none."""
    rows = [_row(task, cell) for task in comparison.tasks for cell in task.cells]
    if not rows:
        return ""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def _row(task: TaskComparison, cell: Cell) -> dict[str, Field]:
    estimate = cell.estimate
    return {
        "suite": _harmless(task.suite),
        "task": _harmless(task.task),
        "model": _harmless(cell.model),
        "family": _harmless(cell.family),
        "is_simple_baseline": cell.is_simple_baseline,
        "metric": _harmless(task.card.main_metric),
        "higher_is_better": task.card.higher_is_better,
        "status": _status(cell),
        "seeds": len(cell.scored),
        "diverged": sum(run.record.status == "diverged" for run in cell.runs),
        "failed": sum(run.record.status == "failed" for run in cell.runs),
        "copied": sum(run.trouble_in_short == COPIED for run in cell.runs),
        "not_run": len(cell.missing_seeds),
        "folds": task.folds or None,
        "collapsed": len(cell.collapsed),
        "collapse_upper_bound": collapse_upper_bound(cell),
        "examples": cell.examples or None,
        "mean": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "standard_error": estimate.standard_error if estimate else None,
        "interval_includes_seeds": estimate.includes_seeds if estimate else None,
        "interval_includes_examples": estimate.includes_examples if estimate else None,
        "seed_deviation": cell.seed_deviation,
        "is_top": cell.is_top,
        **_difference("baseline", cell.from_baseline),
        **_difference("simple_baseline", cell.from_simple_baseline),
        "low_without_collapsed": cell.without_collapsed.low if cell.without_collapsed else None,
        "high_without_collapsed": cell.without_collapsed.high if cell.without_collapsed else None,
        **{column.csv: column.number(cell) for column in DETAILS if column.csv},
        **{field.name: getattr(cell.cost, field.name, None) for field in fields(Cost)},
    }


def _difference(opponent: str, found: Difference | None) -> dict[str, Field]:
    estimate = found.estimate if found else None
    return {
        opponent: _harmless(found.against) if found else None,
        f"difference_from_{opponent}": estimate.value if estimate else None,
        f"difference_from_{opponent}_low": estimate.low if estimate else None,
        f"difference_from_{opponent}_high": estimate.high if estimate else None,
        f"difference_from_{opponent}_adjusted_p": found.adjusted_p if found else None,
    }


def _status(cell: Cell) -> str:
    if not cell.runs:
        return "not run"
    if cell.estimate is None:
        return "no score"
    return "partial" if cell.troubled or cell.missing_seeds else "complete"


def _harmless(text: str) -> str:
    """`text`, with an apostrophe before what a spreadsheet would take for a formula."""
    text = printable(text)
    return f"'{text}" if text.lstrip()[:1] in FORMULA or text[:1] in ("\t", "\n") else text
