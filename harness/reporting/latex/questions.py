r"""The questions of a paper, a table each, with the numbers, bold type and marks of the other formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from harness.comparison.conclusions import reading
from harness.comparison.results import Cell, Comparison, Curves, TaskComparison
from harness.comparison.statistics import SIGNIFICANCE
from harness.comparison.wording import listed
from harness.metrics.lookup import metric_name, unit_of
from harness.reporting import tables
from harness.reporting.columns import has_one_seed, metric_label
from harness.reporting.entries import Entry, Table
from harness.reporting.latex.fields import MARKS, Field, field_of, is_interval, name_of
from harness.reporting.latex.fitting import Group, Question, Row
from harness.reporting.latex.text import escaped
from harness.reporting.tuning import tuning_tables

_SHORT = {
    "95 % interval": "95 % CI",
    "95 % interval, unadjusted": "95 % CI",
    "Adjusted p": "p",
    "Training time": "Time",
    "Training tokens/s": "Tokens/s",
    "Training FLOPs": "FLOPs",
    "Trained parameters": "Parameters trained",
}
_BOLD = "Bold: may be the best, because no model is shown to be ahead."
_SCORES = "Means over seeds; beneath, 95 \\% intervals over test examples and seeds{}. {}"


def questions(comparison: Comparison) -> Iterator[Question]:
    """All questions with an answer: scores, differences, all tasks together, curves, costs, tuning, and provenance."""
    found = (
        _scores(comparison),
        _differences(comparison),
        _over_tasks(comparison),
        *(_curve(comparison, curves, number) for number, curves in enumerate(comparison.curves, 1)),
        _of_tasks(comparison, "cost", "What does a run cost?", tables.costs),
        _of_tasks(comparison, "use", "What does a finished model cost in use?", tables.in_use),
        _of_tasks(comparison, "runs", "What are the scores of?", tables.details),
        _of_tasks(comparison, "tuning", "What did tuning choose?", lambda task: _nth_of(tuning_tables(task), 0)),
        _of_tasks(comparison, "trials", "What do so many trials find?", lambda task: _nth_of(tuning_tables(task), 1)),
    )
    yield from (question for question in found if question is not None)


_SECTIONS = {"tasks": "over-tasks", "use": "cost", "trials": "tuning"}


def section_of(question: Question) -> str:
    """The section of a report that a question belongs to (`harness.reporting.sections`)."""
    name = question.name.partition("-")[0]
    return "curves" if name == "curve" else _SECTIONS.get(name, name)


def _nth_of(found: Sequence[Table], place: int) -> Table | None:
    return found[place] if len(found) > place else None


def _scores(comparison: Comparison) -> Question | None:
    table = tables.scores(comparison)
    if table is None or not table.rows:
        return None
    shown = tables.shown_tasks(comparison)
    rows = tuple(
        (name_of(name), *(_marked(entry, task.cells[place]) for entry, task in zip(entries, shown, strict=True)))
        for place, (name, *entries) in enumerate(table.rows)
    )
    heads = (Field(""), *(_task_head(comparison, task) for task in shown))
    return Question(
        "scores",
        "Which model is the best? Test scores.",
        heads,
        (Group(None, rows),),
        (_of_scores(shown), *_times_100(shown)),
        _marks(comparison),
    )


def _marked(entry: Entry, cell: Cell) -> Field:
    found = reading(cell)
    return _with_doubts(replace(field_of(entry), mark=found if found in MARKS else ""), cell)


def _with_doubts(field: Field, cell: Cell) -> Field:
    """Add a note for each reason to doubt the model's mean."""
    said = " ".join(field.notes)
    return replace(field, notes=(*field.notes, *(doubt for doubt in cell.doubts if doubt not in said)))


def _marks(comparison: Comparison) -> dict[str, str]:
    against = escaped(comparison.baseline or "the baseline")
    chance = rf"by more than chance explains ($p < {SIGNIFICANCE}$, adjusted within the task)"
    return {word: f"{word} than {against} {chance}." for word in MARKS}


def _task_head(comparison: Comparison, task: TaskComparison) -> Field:
    """The task above its metric, with a note for each reason to doubt its order or its claims."""
    return Field(f"{tables.task_name(comparison, task)}\n{_metric(task)}", notes=_doubts(task))


def _metric(task: TaskComparison) -> str:
    return metric_label(task).replace(" ×100", "")


def _doubts(task: TaskComparison) -> tuple[str, ...]:
    return tuple(f"doubtful: {doubt}" for doubt in dict.fromkeys((*task.doubts_of_order, *task.doubts_of_claims)))


def _of_scores(tasks: Sequence[TaskComparison]) -> str:
    alone = any(has_one_seed(cell) for task in tasks for cell in task.cells)
    return _SCORES.format(", of a single seed over test examples alone" if alone else "", _BOLD)


def _times_100(tasks: Sequence[TaskComparison]) -> tuple[str, ...]:
    metrics = [task.card.main_metric for task in tasks if unit_of(task.card.main_metric).factor == 100]
    if not metrics:
        return ()
    names = dict.fromkeys(metric_name(metric) for metric in metrics)
    return (f"In points, times 100: {escaped(listed(names))}.",)


def _differences(comparison: Comparison) -> Question | None:
    against = comparison.baseline or "the baseline"
    found = _of_tasks(
        comparison, "differences", f"Which models differ from {against}? Score minus that of {against}.",
        tables.differences, with_metric=True,
    )  # fmt: skip
    if found is None:
        return None
    said = [head.text for head in found.heads].index("Reading")
    compared = [task for task in comparison.tasks if tables.differences(task) is not None]
    groups = tuple(
        replace(group, rows=tuple(_with_reading(row, said, task) for row in group.rows))
        for group, task in zip(found.groups, compared, strict=True)
    )
    return replace(
        found,
        heads=(*found.heads[:said], *found.heads[said + 1 :]),
        groups=groups,
        notes=(*found.notes, "Intervals (CI) are not adjusted for their number, p-values are."),
        marks=_marks(comparison),
    )


def _with_reading(row: Row, said: int, task: TaskComparison) -> Row:
    """The row with a mark or a note instead of its reading."""
    cell = next(cell for cell in task.cells if cell.model == row[0].text)
    text = row[said].text
    difference = replace(row[1], mark=text) if text in MARKS else row[1]
    if text.startswith("not "):
        difference = replace(difference, notes=(*difference.notes, text))
    return (row[0], _with_doubts(difference, cell), *row[2:said], *row[said + 1 :])


def _over_tasks(comparison: Comparison) -> Question | None:
    table = tables.over_tasks(comparison)
    return None if table is None else Question("tasks", table.caption, _heads(table), (_group(None, table),))


def _curve(comparison: Comparison, curves: Curves, number: int) -> Question:
    table = tables.by_size(curves)
    name = "curve" if len(comparison.curves) == 1 else f"curve-{number}"
    caption = f"{tables.curve_title(comparison, curves)}: {_metric(curves.tasks[0])}."
    return Question(
        name, caption, _heads(table), (_group(None, table),), (_of_scores(curves.tasks), *_times_100(curves.tasks))
    )


def _of_tasks(
    comparison: Comparison,
    name: str,
    caption: str,
    table_of: Callable[[TaskComparison], Table | None],
    *,
    with_metric: bool = False,
) -> Question | None:
    """Combine the tables of all tasks, a group each; columns that a task lacks are empty there."""
    found = [(task, table) for task in comparison.tasks if (table := table_of(task)) is not None and table.rows]
    if not found:
        return None
    by_task = [(task, _by_head(task, table)) for task, table in found]
    heads = tuple(dict.fromkeys(head for _, columns in by_task for head in columns))
    with_metric = with_metric or "Score" in heads
    groups = tuple(
        Group(
            Field(
                f"{tables.title(comparison, task)}{f', {_metric(task)}' if with_metric else ''}", notes=_doubts(task)
            ),
            _rows([columns.get(head) for head in heads]),
        )
        for task, columns in by_task
    )
    notes = _times_100([task for task, _ in found]) if with_metric else ()
    return Question(name, caption, (Field(""), *map(Field, heads[1:])), groups, notes)


def _by_head(task: TaskComparison, table: Table) -> dict[str, list[Entry]]:
    label = metric_label(task)
    heads = ["Score" if head == label else _SHORT.get(head, head) for head in table.headings]
    return {head: [row[place] for row in table.rows] for place, head in enumerate(heads)}


def _rows(columns: Sequence[Sequence[Entry] | None]) -> tuple[Row, ...]:
    height = max(len(column) for column in columns if column is not None)
    full = [column if column is not None else [Entry("")] * height for column in columns]
    return tuple((name_of(name), *map(_beside, entries)) for name, *entries in zip(*full, strict=True))


def _beside(entry: Entry) -> Field:
    """A field, with an interval in brackets."""
    found = is_interval(entry.text)
    if found is None:
        return field_of(entry)
    notes = (found["note"],) if found["note"] else ()
    return Field(f"[{found['low']}, {found['high']}]", notes=notes, is_strong=entry.is_strong)


def _heads(table: Table) -> tuple[Field, ...]:
    return (Field(""), *(Field(_SHORT.get(head, head)) for head in table.headings[1:]))


def _group(title: Field | None, table: Table) -> Group:
    return Group(title, tuple((name_of(name), *map(field_of, entries)) for name, *entries in table.rows))
