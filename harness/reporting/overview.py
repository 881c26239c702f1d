"""The first screen of a report: the question, and a row for each model with its results and its costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.comparison.formatting import duration
from harness.comparison.recommendation import recommended
from harness.comparison.recommended_tasks import advice_over_tasks
from harness.comparison.results import Cell, Comparison, TaskComparison
from harness.comparison.wording import listed
from harness.metrics.lookup import unit_of
from harness.reporting import tables
from harness.reporting.columns import metric_label
from harness.reporting.columns_in_use import milliseconds
from harness.reporting.entries import GAP, Entry, doubts_of_mean, score_entry, shortfall

MOST_NAMED = 3
"""Maximum number of tasks named in the question."""
MOST_TOGETHER = 10
"""Maximum number of tasks per table, so that each fits on a page; more make further tables."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model on the first screen.

    Attributes:
        model: Its name.
        is_simple_baseline: Whether it is a simple baseline.
        cells: Its cells for the tasks of this table.
        chosen: By task, whether it is recommended.
        more: Further results and costs, by column.
    """

    model: str
    is_simple_baseline: bool
    cells: tuple[Cell, ...]
    chosen: tuple[bool, ...]
    more: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """Models by tasks.

    Attributes:
        tasks: The columns.
        headings: The headings of the further columns.
        rows: The models.
    """

    tasks: tuple[TaskComparison, ...]
    headings: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def has_one_seed(self) -> bool:
        """Whether an interval is of one seed, and so about other test examples only."""
        found = [cell.estimate for row in self.rows for cell in row.cells if not row.is_simple_baseline]
        return any(one is not None and one.low is not None and not one.includes_seeds for one in found)


def question(comparison: Comparison) -> str:
    """The question of the report, such as "Which model for boolq?"."""
    names = list(dict.fromkeys(task.base_task for task in comparison.tasks))
    asked = listed(names) if len(names) <= MOST_NAMED else f"these {len(names)} tasks"
    return f"Which model for {asked}?"


def advice(comparison: Comparison) -> str:
    """The recommendation in a sentence; empty if curves show every task."""
    tasks = tables.shown_tasks(comparison)
    if len(tasks) == 1:
        return recommended(tasks[0]).advice
    return advice_over_tasks({tables.title(comparison, task): recommended(task) for task in tasks})


def standing(task: TaskComparison, cell: Cell) -> Entry:
    """The result of the task's comparisons for a model, in a few words."""
    if cell.estimate is None:
        return score_entry(cell, unit_of(task.card.main_metric))
    if not cell.is_compared:
        said = "not compared" if cell.estimate.includes_seeds else "not compared: one seed"
    elif cell.beaten_by:
        first = next(other.model for other in task.ranked if other.model in cell.beaten_by)
        more = len(cell.beaten_by) - 1
        said = f"behind {first}" + (f" and {more} more" if more else "")
    else:
        said = "can't be ruled out" if cell.has_learnt_nothing else "may be the best"
    lacks = doubts_of_mean(cell, unit_of(task.card.main_metric))
    return Entry(f"{said} ({lacks})" if lacks else said, is_strong=cell.is_top)


def common_metric(tasks: Sequence[TaskComparison]) -> str:
    """The metric of all tasks; empty if they differ."""
    labels = {metric_label(task) for task in tasks}
    return labels.pop() if len(labels) == 1 else ""


def score(task: TaskComparison, cell: Cell) -> Entry:
    """The mean score with its interval, or a gap."""
    if cell.estimate is None:
        return GAP
    return Entry(unit_of(task.card.main_metric).with_interval(cell.estimate), is_strong=cell.is_top)


def mean(task: TaskComparison, cell: Cell) -> str:
    """The mean score alone; empty if there is none."""
    return "" if cell.estimate is None else unit_of(task.card.main_metric).score(cell.estimate.value)


def missing(task: TaskComparison, cell: Cell) -> str:
    """What the mean lacks, or why there is none."""
    return shortfall(cell) if cell.estimate is not None else score_entry(cell, unit_of(task.card.main_metric)).text


def of_one_task(task: TaskComparison) -> Matrix:
    """The models of one task, best first, with their results and costs."""
    chosen = recommended(task).model
    is_measured = any(cell.in_use for cell in task.cells)
    headings = ("Verdict", "Training time", *(["One text"] if is_measured else []))
    rows = tuple(
        Row(
            cell.model,
            cell.is_simple_baseline,
            (cell,),
            (cell.model == chosen,),
            (standing(task, cell), _training([cell]), *([_latency([cell])] if is_measured else [])),
        )
        for cell in tables.in_order(task)
    )
    return Matrix((task,), headings, rows)


def of_tasks(comparison: Comparison) -> tuple[Matrix, ...]:
    """Models by tasks, some tasks per table; the first table includes counts of tasks and costs."""
    tasks = tables.shown_tasks(comparison)
    parts = [tasks[start : start + MOST_TOGETHER] for start in range(0, len(tasks), MOST_TOGETHER)]
    return tuple(_matrix(comparison, part, tasks if part is parts[0] else ()) for part in parts)


def _matrix(comparison: Comparison, part: Sequence[TaskComparison], summed: Sequence[TaskComparison]) -> Matrix:
    chosen = [recommended(task).model for task in part]
    columns = _columns(comparison, summed) if summed else {}
    rows = []
    for place, model in enumerate(comparison.models):
        cells = tuple(task.cells[place] for task in part)
        is_simple = any(cell.is_simple_baseline for cell in cells)
        more = tuple(field(place) for field in columns.values())
        rows.append(Row(model, is_simple, cells, tuple(model == one for one in chosen), more))
    return Matrix(tuple(part), tuple(columns), tuple(rows))


def _columns(comparison: Comparison, tasks: Sequence[TaskComparison]) -> dict[str, Callable[[int], Entry]]:
    """The columns after the tasks, by the model's index."""
    found = comparison.over_tasks
    columns: dict[str, Callable[[int], Entry]] = {}
    chosen = [recommended(task).model for task in tasks]

    def cells(place: int) -> list[Cell]:
        return [task.cells[place] for task in tasks]

    def may_be_best(place: int) -> Entry:
        assert found is not None
        one = next((one for one in found.models if one.model == comparison.models[place]), None)
        return GAP if one is None else Entry(f"≤ {one.may_be_best} of {found.tasks}")

    if found is not None:
        columns["May be the best"] = may_be_best
    columns["Recom\N{SOFT HYPHEN}mended"] = lambda place: _count(chosen.count(comparison.models[place]), len(tasks))
    columns["Training time"] = lambda place: _training(cells(place))
    if any(cell.in_use for task in tasks for cell in task.cells):
        columns["One text"] = lambda place: _latency(cells(place))
    return columns


def _count(count: int, total: int) -> Entry:
    return Entry(f"{count} of {total}", is_strong=count > 0, is_faint=not count)


def _training(cells: Sequence[Cell]) -> Entry:
    """The total training time of one run per task, with the number of known tasks if some are unknown."""
    costs = [cell.cost for cell in cells if cell.cost is not None and cell.cost.training_time is not None]
    if len({(cost.machine, cost.train_processor_seconds is None) for cost in costs}) > 1:
        return GAP  # Times of several machines, or wall-clock and CPU times, can't be added.
    found = [cost.training_time or 0.0 for cost in costs]
    return _of_known(duration(sum(found)), len(found), len(cells))


def _latency(cells: Sequence[Cell]) -> Entry:
    """The median latency for one text, averaged over the tasks."""
    found = [cell.in_use.latency_p50 for cell in cells if cell.in_use]
    return _of_known(milliseconds(sum(found) / max(len(found), 1)), len(found), len(cells))


def _of_known(text: str, known: int, total: int) -> Entry:
    if not known:
        return GAP
    return Entry(text if known == total else f"{text} ({known} of {total})")
