"""CSV: one row per model and task, in full precision, for a spreadsheet or a script."""

from __future__ import annotations

from dataclasses import fields

from harness.comparison.collapse import collapse_upper_bound
from harness.comparison.costs import Cost
from harness.comparison.effects import Difference
from harness.comparison.results import COPIED, Cell, Comparison, TaskComparison
from harness.reporting.columns import DETAILS
from harness.reporting.spreadsheet import Field, csv_text


def render(comparison: Comparison) -> str:
    """One row per task and model, gaps included; numbers in their natural unit, an empty field where there is none."""
    return csv_text([_row(comparison, task, cell) for task in comparison.tasks for cell in task.cells])


def _row(comparison: Comparison, task: TaskComparison, cell: Cell) -> dict[str, Field]:
    estimate, tuned = cell.estimate, next((one for one in task.tuned if one.model == cell.model), None)
    return {
        "suite": task.suite,
        "task": task.task,
        "model": cell.model,
        "family": cell.family,
        "is_simple_baseline": cell.is_simple_baseline,
        "metric": task.card.main_metric,
        "higher_is_better": task.card.higher_is_better,
        "status": _status(cell),
        "seeds": len(cell.scored),
        "diverged": sum(run.record.status == "diverged" for run in cell.runs),
        "failed": sum(run.record.status == "failed" for run in cell.runs),
        "copied": sum(run.trouble_in_short == COPIED for run in cell.runs),
        "not_run": len(cell.missing_seeds),
        "folds": task.folds or None,
        "varied_setting": task.varied.setting if task.varied else None,
        "varied_value": task.varied.value if task.varied else None,
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
        **_over_tasks(comparison, cell),
        **_margin(task, cell),
        "trials": len(tuned.trials) if tuned else None,
        "tuning_seconds": tuned.seconds if tuned else None,
    }


def _margin(task: TaskComparison, cell: Cell) -> dict[str, Field]:
    """What is shown by the task's margin; all of it empty where there is none."""
    margin = task.margin.value if task.margin else None
    within = cell.from_baseline.within if cell.from_baseline else None
    return {
        "margin": margin,
        "not_worse_than_baseline_adjusted_p": within.not_worse_p if within else None,
        "not_better_than_baseline_adjusted_p": within.not_better_p if within else None,
        "is_near_best": cell.is_near_best,
    }


def _over_tasks(comparison: Comparison, cell: Cell) -> dict[str, Field]:
    """On how many of all tasks something is shown of the model, the same in all of its rows."""
    found = comparison.over_tasks
    one = next((one for one in found.models if one.model == cell.model), None) if found else None
    return {
        "tasks_better_than_baseline_at_least": one.better.least if one else None,
        "tasks_worse_than_baseline_at_least": one.worse.least if one else None,
        "tasks_best_at_least": one.best.least if one else None,
        "tasks_may_be_best_at_most": one.may_be_best if one else None,
        "mean_rank": found.ranks.by_model.get(cell.model) if found and found.ranks else None,
    }


def _difference(opponent: str, found: Difference | None) -> dict[str, Field]:
    estimate, wins, flips = (found.estimate, found.run_wins, found.flips) if found else (None, None, None)
    return {
        opponent: found.against if found else None,
        f"difference_from_{opponent}": estimate.value if estimate else None,
        f"difference_from_{opponent}_low": estimate.low if estimate else None,
        f"difference_from_{opponent}_high": estimate.high if estimate else None,
        f"difference_from_{opponent}_adjusted_p": found.adjusted_p if found else None,
        f"run_wins_against_{opponent}": wins.value if wins else None,
        f"run_wins_against_{opponent}_low": wins.low if wins else None,
        f"run_wins_against_{opponent}_high": wins.high if wins else None,
        f"examples_won_against_{opponent}": flips.won if flips else None,
        f"examples_lost_against_{opponent}": flips.lost if flips else None,
    }


def _status(cell: Cell) -> str:
    if not cell.runs:
        return "not run"
    if cell.estimate is None:
        return "no score"
    return "partial" if cell.troubled or cell.missing_seeds else "complete"
