"""Splits of a task: rows made examples, every mistake told at once, repeats left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.errors import nearest
from tasks.files import refuse
from tasks.labels import label_names
from tasks.rows import Reading, row_place
from tasks.splitting import separated
from tasks.task import Example, Row, Splits, Task, TextExample


def load_splits(task: Task) -> Splits:
    """The task's examples: read, checked, freed of repeats, split (see `tasks.splitting`).

    An example's id is its "id" cell where there is one, else its split and row. A text may be empty, and a list of
    texts is joined by line ends. A label that is an index is looked up in `task.labels`.

    Raises:
        UserError: Every mistake found in the data, each with its row (the first ten, and how many more).
    """
    tables = task.source.rows()
    refuse([problem for split, rows in tables.items() for problem in _table_problems(task, split, rows)])
    reading = Reading(task, label_names(task, tables["train"]))
    examples = {split: reading.examples(split, rows) for split, rows in tables.items()}
    refuse([*reading.problems, *_repeated_ids(examples)])
    splits, dropped = separated(examples)
    emptied = [split for split, rows in splits.items() if not rows]
    refuse(f"{split}: every row repeats another one or another split's. Give more rows." for split in emptied)
    refuse(_label_problems(task, reading.labels, splits))
    return Splits(**splits, labels=reading.labels, dropped=dict(reading.dropped) | dropped)


def _table_problems(task: Task, split: str, rows: Sequence[Row]) -> Iterator[str]:
    """What is wrong with a split before its rows are looked at one by one."""
    if not rows:
        yield f"{split}: has no rows. Give at least one example."
        return
    for number, row in enumerate(rows, start=1):
        missing = [column for column in _columns(task) if column not in row]
        if missing:
            # One row tells it all where the table is a table; jsonl rows may each lack something else.
            there = ", ".join(row) or "none"
            for column in missing:
                place = row_place(split, number, row)
                yield f"{place}: no column {column!r} (its columns: {there}).{nearest(column, row)}"
            return


def _columns(task: Task) -> tuple[str, ...]:
    group = (task.group,) if task.group else ()
    if task.kind == "question_answering":
        return (task.question, task.context, task.answers, *group)
    if task.kind == "language_modelling":
        return (*task.text, *group)
    return (*task.text, task.label, *group)


def _repeated_ids(examples: Mapping[str, Sequence[Example]]) -> Iterator[str]:
    for split, rows in examples.items():
        seen: set[str] = set()
        for example in rows:
            if example.id in seen:
                yield f"{split}: id {example.id!r} is there twice. Give each row an id of its own, or no id column."
            seen.add(example.id)


def _label_problems(task: Task, labels: tuple[str, ...], examples: Mapping[str, Sequence[Example]]) -> Iterator[str]:
    """Labels that can't be learnt: all rows of one class, or a class that training never shows."""
    if not labels and task.kind in {"classification", "multi_label"}:
        yield "train: no row has a label. Give labelled rows."
    if task.kind != "classification":
        return
    trained = {example.target for example in examples["train"] if isinstance(example, TextExample)}
    if len(trained) == 1:
        yield f"train: every row has the label {labels[_index(trained.pop())]!r}. Give at least two classes."
        return
    for split in examples.keys() - {"train"}:
        judged = {example.target for example in examples[split] if isinstance(example, TextExample)}
        for target in sorted(judged - trained, key=_index):
            yield f"{split}: label {labels[_index(target)]!r} never occurs in train. Add some, or leave it out."


def _index(target: object) -> int:
    assert isinstance(target, int)
    return target
