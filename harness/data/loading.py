"""Load the splits of a task: convert rows to examples, report all mistakes at once, and drop duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.data.placed_rows import column_problem, refuse
from harness.data.rows import SKIP, Reading, repeated_id, row_place
from harness.data.splitting import LeftOut, separated
from harness.data.task import Example, NotedSource, Row, Source, Splits, SplitwiseSource, Task
from harness.registry import TASK_TYPES

TO_PREDICT = " A file without answers is for `harness predict --input`: leave it out here."


def load_splits(task: Task, *, test: bool = True) -> Splits:
    """Load the task's examples: read, check, drop duplicates and split (see `harness.data.splitting`).

    An example's id is its "id" cell if no two rows have the same one, otherwise its split and row. A text may be empty,
    and a list of texts is joined by line breaks. A label that is an index is looked up in `task.labels`.

    Args:
        task: The task to load.
        test: Whether to load the test split. Otherwise it has no examples, although it is still split off from train if
            the publisher has none, and rows of train that repeat a publisher's test rows are kept.

    Raises:
        UserError: For all mistakes in the data, each with its row (the first ten, and the number of others).
    """
    found = task.source.rows() if test else _without_test(task.source)
    tables = {split: [task.answered(row) for row in rows] for split, rows in found.items()}
    wanted = {split: rows for split, rows in tables.items() if test or split != "test"}
    refuse([problem for split, rows in wanted.items() for problem in table_problems(task, split, rows)])
    reading = Reading(task, task.type.label_names(task, tables["train"]))
    examples = {split: reading.examples(split, rows) for split, rows in tables.items()}
    if "test" in wanted and not examples["test"] and not any(_has_answer(task, row) for row in wanted["test"]):
        reading.problems.insert(0, f"test: no row has an answer.{TO_PREDICT}")
    refuse(reading.problems)
    noted = task.source.notes() if isinstance(task.source, NotedSource) else ()
    every_row = [row for rows in wanted.values() for row in rows]
    label_notes = task.type.label_notes(task, every_row, reading.labels)
    shared = _groups_in_train(examples) if task.group else ()
    left_out = LeftOut(reading.dropped, [*noted, *_repeated_ids(wanted), *label_notes, *shared])
    with left_out.told_first():
        near = task.near_duplicates == "drop"
        splits = separated(examples, left_out, near=near, repeats=task.keep_repeats, fold=task.fold)
        if not test:
            splits["test"] = []
        emptied = [split for split, rows in splits.items() if not rows and (test or split != "test")]
        refuse(f"{split}: no row is left. Give more rows." for split in emptied)
        read = Splits(**splits, labels=reading.outputs, dropped=left_out.dropped, notes=tuple(left_out.notes))
        refuse(task.type.label_problems(reading.labels, read))
    return read


def check_tables(task: Task) -> None:
    """Check that the task's files can be read and have its columns.

    Raises:
        UserError: For all such mistakes.
    """
    tables = {split: [task.answered(row) for row in rows] for split, rows in task.source.rows().items()}
    refuse(problem for split, rows in tables.items() for problem in table_problems(task, split, rows))


def _groups_in_train(examples: Mapping[str, Sequence[Example]]) -> Iterator[str]:
    """Report examples of other given splits whose group is in train too, a sentence per split."""
    trained = {example.group for example in examples["train"] if example.group}
    for split in ("validation", "test"):
        given = examples.get(split, ())
        shared = sum(example.group in trained for example in given)
        if shared:
            those = f"{shared:,} of {len(given):,} {split} rows {'is' if shared == 1 else 'are'}"
            yield f"{those} of a group that is in train too, as the files have it"


def _without_test(source: Source) -> dict[str, Sequence[Row]]:
    """Return the rows by split, with an empty test split if the publisher has one."""
    tables = source.rows_without("test") if isinstance(source, SplitwiseSource) else source.rows()
    return {split: () if split == "test" else rows for split, rows in tables.items()}


def table_problems(task: Task, split: str, rows: Sequence[Row], *, advice: str = "") -> Iterator[str]:
    """Yield what is wrong with a split as a whole.

    Args:
        task: The task.
        split: The name of the split.
        rows: The rows, with the columns of the task.
        advice: What to do if a column is missing; by default another column or task type is suggested.
    """
    if not rows:
        yield f"{split}: has no rows. Give at least one example."
        return
    columns = [name for name in task.every_column if any(name not in row for row in rows)]
    in_others = {name for name in columns if any(name in row for row in rows)}
    may_lack = in_others & _skipped_if_blank(task)
    required = [name for name in columns if task.blank_rows == "refuse" or name not in may_lack]
    for number, row in enumerate(rows, start=1):
        missing = [column for column in required if column not in row]
        if missing:
            # One row is enough if the table is a table. JSON rows may each lack something else.
            place, proposed = row_place(split, number, row), advice or _other_type(task, row)
            is_unlabelled = split == "test" and _has(row, task, task.type.inputs)
            for column in missing:
                skip = f" Other rows have it:{SKIP}" if column in may_lack else ""
                otherwise = TO_PREDICT if is_unlabelled else f" Name it with {_option(task, column)}."
                yield f"{place}: {column_problem(row, column, skip or proposed, otherwise=otherwise)}"
            return


def _skipped_if_blank(task: Task) -> set[str]:
    """Return the columns without which a row is blank: those that are alone in their role, if that is needed."""
    roles = {role: task.columns_of(role) for role in task.type.columns if role not in task.type.may_be_blank}
    return {names[0] for names in roles.values() if len(names) == 1}


def _option(task: Task, column: str) -> str:
    """The options of `harness run` that set a column's name, or do without it."""
    role = next((role for role in task.type.columns if column in task.columns_of(role)), "group")
    return f"--{role}, or give another --task-type"


def _other_type(task: Task, row: Row) -> str:
    """Suggest a task type that finds all its columns, if there is one."""
    others = {name: replace(task, task_type=name, columns={}) for name in TASK_TYPES.names() if name != task.task_type}
    fits = [name for name, other in others.items() if other.type.inferred and _has(row, other, other.type.columns)]
    return f" Did you mean --task-type {fits[0]}?" if fits else ""


def _has_answer(task: Task, row: Row) -> bool:
    """Return whether a row has anything in the columns other than inputs."""
    columns = [column for role in task.type.columns if role not in task.type.inputs for column in task.columns_of(role)]
    return not columns or any(row[column] not in (None, "") for column in columns)


def _has(row: Row, task: Task, roles: Iterable[str]) -> bool:
    return all(column in row for role in roles for column in task.columns_of(role))


def _repeated_ids(tables: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """Say for each split whose ids repeat that they are not used, a sentence per split."""
    for split, rows in tables.items():
        if (repeated := repeated_id(rows)) is not None:
            yield f"{split}: several rows have the id {repeated!r}, so rows are called by their number instead"
