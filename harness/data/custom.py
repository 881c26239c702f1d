"""A task out of a user's own files, without a file in the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.data.content import ending_of
from harness.data.files import format_problems, refuse
from harness.data.sources import Files
from harness.data.task import BlankRows, NearDuplicates, Task
from harness.errors import UserError, nearest
from harness.fold import Fold
from harness.metrics.lookup import find_metric
from harness.metrics.metric import EVALUATE
from harness.registry import TASK_TYPES

DEFAULT_TYPE = "classification"
PAIR = 2


def custom_task(
    *,
    train: Path | str | None,
    validation: Path | str | None = None,
    test: Path | str | None = None,
    task_type: str | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    group: str | None = None,
    near_duplicates: NearDuplicates = "drop",
    blank_rows: BlankRows = "refuse",
    metrics: Sequence[str] = (),
    separator: str | None = None,
    encoding: str | None = None,
    fold: Fold | None = None,
) -> Task:
    """A task on files of the user's. A column that isn't named is called as its role.

    Args:
        train: The file to train on, or a folder or pattern; validation and test are carved out of it where they
            aren't given. None: nothing is trained.
        validation: The file to choose on.
        test: The file to judge on.
        task_type: Default: the one that alone has a column that is named, such as "question", or that alone is read
            from files with this ending, such as .conll, else classification.
        columns: The columns by their role, such as {"text": ["review"], "label": ["stars"]}.
        group: The column that says which rows belong together, if any.
        near_duplicates: Whether near repeats of other rows are left out: see `harness.data.task.Task`.
        blank_rows: What becomes of blank documents: see `harness.data.task.Task`.
        metrics: Names of metrics; by task type where none are named.
        separator: What stands between the fields of csv and tsv files, or its name, such as "tab"; guessed by default.
        encoding: Of text files, such as "cp1252"; guessed by default.
        fold: The fold of train that is the test split, in cross-validation.

    Raises:
        UserError: Every setting that doesn't fit the others.
    """
    named = columns_named(columns or {})
    source = Files(train, validation, test, separator, encoding)
    refuse(format_problems(separator, encoding))
    chosen = task_type or inferred_type(named, source)
    if chosen not in TASK_TYPES.names():
        raise UserError(f"task_type: {chosen!r}: no such task type.{nearest(chosen, TASK_TYPES.names())}")
    refuse([*_column_problems(chosen, named), *metric_problems(chosen, metrics)])
    task = Task(
        task_type=chosen,
        source=source,
        metrics=tuple(metrics),
        licence="the user's own data",
        citation="",
        columns=named,
        group=group,
        near_duplicates=near_duplicates,
        blank_rows=blank_rows,
        fold=fold,
    )
    return task if metrics else replace(task, metrics=task.type.metrics_for(task))


def columns_named(columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The columns that a user names, by role; where a role may have many, one name with commas is several.

    >>> columns_named({"choices": ["a,b,c"], "text": ["title, in full"], "label": []})
    {'choices': ('a', 'b', 'c'), 'text': ('title, in full',)}
    """
    roles = column_roles()
    return {
        role: tuple(
            part.strip()
            for name in names
            for part in (name.split(",") if role in roles and roles[role].most > PAIR else [name])
        )
        for role, names in columns.items()
        if names
    }


def column_roles() -> dict[str, Any]:
    """Every role that a column may have in some task type, with the first type's column."""
    found: dict[str, Any] = {}
    for task_type in _types().values():
        for role, column in task_type.columns.items():
            found.setdefault(role, column)
    return found


def predict_options() -> dict[str, str]:
    """The help of each option of `harness predict` that gives a text, by its name."""
    return {option: text for task_type in _types().values() for option, text in task_type.predict_options.items()}


def predict_settings() -> dict[str, str]:
    """The help of each option of `harness predict` that asks for something beside predictions, by its name."""
    fields = [field for task_type in _types().values() for field in task_type.predict_settings.model_fields.items()]
    return {name: field.description or "" for name, field in fields}


def explain_settings() -> dict[str, str]:
    """The same of `harness explain`."""
    fields = [field for task_type in _types().values() for field in task_type.explain_settings.model_fields.items()]
    return {name: field.description or "" for name, field in fields}


def inferred_type(named: Mapping[str, Any], source: Files) -> str:
    """The task type of a user's files, where the user doesn't say it.

    Args:
        named: The roles whose columns are named: the type that alone has one of them is meant.
        source: The files: else the type that alone is read from files of their ending, else classification.
    """
    for name, task_type in _types().items():
        if task_type.inferred and not _roles_of_others(name).issuperset(task_type.columns.keys() & named.keys()):
            return name
    return (None if named else type_by_files(source)) or DEFAULT_TYPE


def type_by_files(source: Files) -> str | None:
    """The task type that alone is read from files of this ending."""
    try:
        endings = {ending_of(file) for found in source.files().values() for file in found.files}
    except UserError:  # Told when its rows are read.
        return None
    return next((name for name, task_type in _types().items() if endings & {*task_type.endings}), None)


def metric_problems(task_type: str, metrics: Sequence[str]) -> list[str]:
    """A line for each metric that is none, or that does not score this type of task."""
    problems: list[str] = []
    for name in metrics:
        try:
            found = find_metric(name)
        except UserError as error:
            problems.extend(f"metrics: {line}" for line in error.lines)
            continue
        scored = [other for other, known in _types().items() if found in known.metrics]
        if not name.startswith(EVALUATE) and task_type not in scored:
            fit = ", ".join(TASK_TYPES.load(task_type).default_metrics)
            problems.append(f"metrics: {name} does not score {task_type} (it scores {', '.join(scored)}). Use {fit}.")
    return problems


def _column_problems(task_type: str, named: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    known = TASK_TYPES.load(task_type).columns
    for role, names in named.items():
        if role not in known:
            got = names[0] if len(names) == 1 else names
            yield (
                f"{role}: names a column that {task_type} does not use (got {got!r}). "
                "Leave it out, or choose another task type."
            )
        elif len(names) > known[role].most:
            most = known[role].most
            several = ("one column or two make", "at most two") if most == PAIR else (f"{most} columns make", f"{most}")
            allowed = several if most > 1 else ("one column makes", "one")
            yield f"{role}: {allowed[0]} an input (got {len(names)}). Name {allowed[1]}{_types_with(role, len(names))}."
        elif len(set(names)) < len(names):
            yield f"{role}: names a column twice (got {', '.join(names)}). Name each once."


def _types_with(role: str, count: int) -> str:
    """What a message adds where other task types read so many columns of a role."""
    others = [name for name, found in _types().items() if role in found.columns and count <= found.columns[role].most]
    return f", or choose another task type: {', '.join(others)}" if others else ""


@cache
def _types() -> Mapping[str, Any]:
    return {name: TASK_TYPES.load(name) for name in TASK_TYPES.names()}


def _roles_of_others(name: str) -> set[str]:
    return {role for other, task_type in _types().items() if other != name for role in task_type.columns}
