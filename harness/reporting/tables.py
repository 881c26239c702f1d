"""The tables of a report, independent of the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from harness.comparison.counts import Count, ModelOverTasks, OverTasks
from harness.comparison.results import Cell, Comparison, Curves, TaskComparison
from harness.comparison.statistics import SHARED_TRAINING
from harness.metrics.lookup import metric_name, unit_of
from harness.record import RunRecord
from harness.reporting.columns import DETAILS, DIFFERENCES, EFFECTS, Column, has_one_seed, metric_label
from harness.reporting.columns_in_use import IN_USE, is_measured
from harness.reporting.columns_of_cost import COSTS
from harness.reporting.entries import GAP, Entry, Table, marked, model_name, score_entry
from harness.reporting.sections import SECTIONS
from harness.reporting.tuning import tuning_notes, tuning_tables

OVER_TASKS = "Over all tasks: on how many of the {tasks} it is shown, allowing for their number"


def shown_tasks(comparison: Comparison) -> tuple[TaskComparison, ...]:
    """The tasks that no curve shows."""
    drawn = {id(task) for curves in comparison.curves for task in curves.tasks}
    return tuple(task for task in comparison.tasks if id(task) not in drawn)


def scores(comparison: Comparison) -> Table | None:
    """Models x tasks: each cell's mean score and interval, or its failure; None if curves show all of them."""
    tasks = shown_tasks(comparison)
    if comparison.curves and not tasks:
        return None
    rows = []
    for index, model in enumerate(comparison.models):
        cells = [(task.cells[index], unit_of(task.card.main_metric)) for task in tasks]
        name = marked(model, is_simple_baseline=any(cell.is_simple_baseline for cell, _ in cells))
        rows.append((Entry(name), *(score_entry(cell, unit) for cell, unit in cells)))
    headings = tuple(f"{task_name(comparison, task)} ({metric_label(task)})" for task in tasks)
    return Table("Test scores: mean over seeds (95 % interval)", ("Model", *headings), tuple(rows))


def over_tasks(comparison: Comparison) -> Table | None:
    """Counts of tasks for each model; None for a single task."""
    found = comparison.over_tasks
    if found is None:
        return None
    simple = {cell.model for task in comparison.tasks for cell in task.cells if cell.is_simple_baseline}
    columns: dict[str, Callable[[ModelOverTasks], Entry]] = {
        "Model": lambda one: Entry(marked(one.model, is_simple_baseline=one.model in simple))
    }
    if comparison.baseline is not None:
        baseline = comparison.baseline
        columns[f"Better than {baseline}, at least"] = lambda one: _against(one, one.better, found, baseline)
        columns[f"Worse than {baseline}, at least"] = lambda one: _against(one, one.worse, found, baseline)
    columns["May be the best, at most"] = lambda one: _of(one.may_be_best, found)
    columns["Shown to be the best, at least"] = lambda one: _of(one.best.least, found)
    if any(len(one.compared) < found.tasks for one in found.models):
        columns["Compared"] = lambda one: _of(len(one.compared), found)
    if found.ranks is not None:
        ranks = found.ranks.by_model
        columns["Mean rank"] = lambda one: Entry(f"{ranks[one.model]:.2f}") if one.model in ranks else GAP
    rows = tuple(tuple(field(one) for field in columns.values()) for one in found.models)
    return Table(OVER_TASKS.format(tasks=found.tasks), tuple(columns), rows)


def _against(one: ModelOverTasks, count: Count, found: OverTasks, baseline: str) -> Entry:
    return GAP if one.model == baseline else _of(count.least, found)


def _of(count: int, found: OverTasks) -> Entry:
    return Entry(f"{count} of {found.tasks}")


def by_size(curves: Curves) -> Table:
    """Models x sizes: each cell's mean score and interval; bold if it may be the best at that size."""
    first, unit = curves.tasks[0], unit_of(curves.tasks[0].card.main_metric)
    rows = zip(*(task.cells for task in curves.tasks), strict=True)
    return Table(
        f"{curves.varied.task}: {metric_label(first)} by {curves.varied.words}",
        ("Model", *(f"{size:,}" for size in curves.sizes)),
        tuple((Entry(model_name(row[0])), *(score_entry(cell, unit) for cell in row)) for row in rows),
    )


def details(task: TaskComparison) -> Table:
    """The task's models, best first, followed by those without a score."""
    return _table(f"{task.task}: scores", DETAILS, task, in_order(task))


def differences(task: TaskComparison) -> Table | None:
    """Every model against the baseline; None if there is no baseline."""
    compared = [cell for cell in in_order(task) if cell.from_baseline is not None]
    if not compared or compared[0].from_baseline is None:
        return None
    against = compared[0].from_baseline.against
    return _table(f"{task.task}: difference from {against}", DIFFERENCES, task, compared)


def effects(task: TaskComparison) -> Table | None:
    """Effect sizes against the baseline, in runs and test examples; None if neither is known."""
    compared = [cell for cell in in_order(task) if cell.from_baseline and cell.from_baseline.estimate]
    found = [cell.from_baseline for cell in compared if cell.from_baseline is not None]
    if not any(one.run_wins or one.flips for one in found):
        return None
    return _table(f"{task.task}: against {found[0].against}, in runs and test examples", EFFECTS, task, compared)


def costs(task: TaskComparison) -> Table:
    """The cost of a run, averaged over the complete seeds."""
    known = [cell for cell in task.cells if cell.cost is not None]
    return _table(f"{task.task}: cost of one run", COSTS, task, known)


def in_use(task: TaskComparison) -> Table:
    """The inference costs of the models for which they were measured."""
    known = [cell for cell in task.cells if is_measured(cell)]
    return _table(f"{task.task}: cost in use", IN_USE, task, known)


def _table(caption: str, columns: Sequence[Column], task: TaskComparison, cells: Sequence[Cell]) -> Table:
    """One row per model, with the columns that concern any of them."""
    unit = unit_of(task.card.main_metric)
    shown = [column for column in columns if any(map(column.concerns, cells))]
    headings = (column.heading if isinstance(column.heading, str) else column.heading(task) for column in shown)
    return Table(caption, tuple(headings), tuple(tuple(c.field(cell, unit) for c in shown) for cell in cells))


def of_task(task: TaskComparison, only: Collection[str] = SECTIONS) -> tuple[Table, ...]:
    """The tables of a task that have rows, in these sections."""
    makers: dict[str, Callable[[], tuple[Table | None, ...]]] = {
        "runs": lambda: (details(task),),
        "differences": lambda: (differences(task),),
        "cost": lambda: (costs(task), in_use(task)),
        "tuning": lambda: tuning_tables(task),
    }
    found = [table for section, make in makers.items() if section in only for table in make()]
    return tuple(table for table in found if table is not None and table.rows)


def left_out(task: TaskComparison) -> str:
    """The numbers of rows left out, by reason, as in most runs."""
    return _most_said(task, lambda record: [f"{count:,} {reason}" for reason, count in record.counts.dropped.items()])


def sizes(task: TaskComparison) -> str:
    """The number of examples in each split, as in most runs."""
    return _most_said(task, lambda record: [f"{count:,} {split}" for split, count in record.counts.examples.items()])


def _most_said(task: TaskComparison, words: Callable[[RunRecord], list[str]]) -> str:
    said = Counter(", ".join(words(run.record)) for cell in task.cells for run in cell.runs)
    said.pop("", None)
    return said.most_common(1)[0][0] if said else ""


def title(comparison: Comparison, task: TaskComparison) -> str:
    """The task's name, with its suite and its metric if there are several."""
    name = task_name(comparison, task)
    metrics = {one.card.main_metric for one in comparison.tasks if (one.suite, one.task) == (task.suite, task.task)}
    return f"{name}, {metric_name(task.card.main_metric)}" if len(metrics) > 1 else name


def curve_title(comparison: Comparison, curves: Curves) -> str:
    """The task's name, with its suite or metric if there are several, and the varied setting."""
    first = curves.tasks[0]
    name = title(comparison, first).replace(first.task, first.base_task, 1)
    return f"{name} by {curves.varied.words}"


def task_name(comparison: Comparison, task: TaskComparison) -> str:
    """The task's name, with its suite if there are several."""
    several = len({one.suite for one in comparison.tasks}) > 1
    return f"{task.task} [{task.suite}]" if several else task.task


def footnotes(comparison: Comparison) -> tuple[str, ...]:
    """What the numbers include."""
    cells = [cell for task in comparison.tasks for cell in task.cells]
    of_one = "; of a single seed, only the former" if any(map(has_one_seed, cells)) else ""
    notes = [
        "Bold: the models that may be the best, because no other is shown to be ahead of them. All claims "
        "about a task's models come from one family of comparisons, of the models with several seeds and "
        "the best simple baseline, paired over test examples and adjusted step by step; a model that "
        "beats each other model separately is the best. A missing difference does not prove equality.",
        "Intervals are 95 % each, not adjusted for their number, and include both which test examples were drawn and "
        f"which seed trained the model{of_one}.",
    ]
    if comparison.over_tasks is not None:
        notes.append(
            "Over all tasks: a task's own section is wrong with a probability of about 5 %, so some of "
            "several may be. The counts correct for that, provided that no two tasks share test examples. "
            "No score is averaged."
        )
    if any(task.margin is not None and task.margin.value is not None for task in comparison.tasks):
        notes.append(
            "A margin: “not worse” by more than it, or “equivalent” within it, is shown by one-sided tests at 5 %, "
            "adjusted for all such claims about a task. “Not shown” does not prove a larger difference."
        )
    known = [footnote for column in (*DETAILS, *COSTS, *IN_USE) for footnote in column.footnotes]
    notes += [footnote.text for footnote in known if any(map(footnote.concerns, cells))]
    if any(task.folds for task in comparison.tasks):
        notes.append(
            "In cross-validation, a row tests one model and helps to train the others, so it changes the scores by "
            "more than its own answer. To allow for that, the test examples' part of the variance is multiplied by "
            f"{SHARED_TRAINING:g}. Scores are those of models trained on all folds but one."
        )
    if comparison.curves:
        notes.append(
            "A task at several values of a setting is called TASK@VALUE. Models are compared with each other at the "
            "same value, each value a family of comparisons of its own; nothing is tested between values. "
            "Two models are said to change places if each side is shown at 5 % divided by the number of values."
        )
    if any(curves.laws for curves in comparison.curves):
        notes.append(
            "The fitted law is error = a + b n^-c. Its interval allows for other seeds, test examples and, by an "
            "assumption, training examples, but not for scores that stop following the law."
        )
    notes += tuning_notes(comparison.tasks)
    if any(cell.is_simple_baseline for cell in cells):
        notes.append(
            "Simple baselines use no pretrained weights; a model that does not beat them is not worth its cost."
        )
    return (*notes, *comparison.foreseen)


def in_order(task: TaskComparison) -> Sequence[Cell]:
    """The task's cells, best first, followed by those without a score."""
    return [*task.ranked, *(cell for cell in task.cells if cell.estimate is None)]
