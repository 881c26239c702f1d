"""Tasks from a user's own files, without a file in the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.counted import counted
from harness.data.content import ending_of
from harness.data.files import format_problems
from harness.data.placed_rows import refuse
from harness.data.sources import Files
from harness.data.task import BlankRows, Decimal, NearDuplicates, Task
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
    decimal: Decimal | None = None,
    metrics: Sequence[str] = (),
    separator: str | None = None,
    encoding: str | None = None,
    fold: Fold | None = None,
) -> Task:
    """Create a task from the user's files. A column that is not named has the name of its role.

    Args:
        train: The training file, or a folder or pattern. Validation and test are split off if they are not given. None
            if nothing is trained.
        validation: The validation file.
        test: The test file.
        task_type: Default: the only one with a column that is named, such as "question", or the only one that is read
            from files with this ending, such as .conll; otherwise classification.
        columns: The columns by role, such as {"text": ["review"], "label": ["stars"]}.
        group: The column of groups, if any; rows of the same group belong together.
        near_duplicates: Whether near-duplicates of other rows are dropped; see `harness.data.task.Task`.
        blank_rows: What to do with blank rows; see `harness.data.task.Task`.
        decimal: What stands before decimals; see `harness.data.task.Task`.
        metrics: The names of metrics; those of the task type if there are none.
        separator: The separator of the fields of CSV and TSV files, or its name, such as "tab"; guessed by default.
        encoding: The encoding of text files, such as "cp1252"; guessed by default.
        fold: The fold of train that is the test split, in cross-validation.

    Raises:
        UserError: For all settings that do not fit together.
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
        decimal=decimal,
        fold=fold,
    )
    return task if metrics else replace(task, metrics=task.type.metrics_for(task))


def columns_named(columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the columns that a user names, by role. For roles with many columns, a name may list several with commas.

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
    """Return every role of a column in any task type, with the column of the first such type."""
    found: dict[str, Any] = {}
    for task_type in _types().values():
        for role, column in task_type.columns.items():
            found.setdefault(role, column)
    return found


def predict_options() -> dict[str, str]:
    """Return the help of each option of `harness predict` for an input, by name."""
    return {option: text for task_type in _types().values() for option, text in task_type.predict_options.items()}


def predict_settings() -> dict[str, str]:
    """Return the help of each further option of `harness predict`, by name."""
    fields = [field for task_type in _types().values() for field in task_type.predict_settings.model_fields.items()]
    return {name: field.description or "" for name, field in fields}


def explain_settings() -> dict[str, str]:
    """Return the help of each further option of `harness explain`, by name."""
    fields = [field for task_type in _types().values() for field in task_type.explain_settings.model_fields.items()]
    return {name: field.description or "" for name, field in fields}


def inferred_type(named: Mapping[str, Any], source: Files) -> str:
    """Infer the task type of a user's files.

    Args:
        named: The roles of named columns. The only type with one of them is chosen.
        source: The files. Otherwise the only type that is read from files with their ending is chosen, or
            classification.
    """
    for name, task_type in _types().items():
        if task_type.inferred and not _roles_of_others(name).issuperset(task_type.columns.keys() & named.keys()):
            return name
    return (None if named else type_by_files(source)) or DEFAULT_TYPE


def type_by_files(source: Files) -> str | None:
    """Return the only task type that is read from files with this ending, if any."""
    try:
        endings = {ending_of(file) for found in source.files().values() for file in found.files}
    except UserError:  # Reported when the rows are read.
        return None
    return next((name for name, task_type in _types().items() if endings & {*task_type.endings}), None)


def metric_problems(task_type: str, metrics: Sequence[str]) -> list[str]:
    """Return a line for each metric that does not exist, or does not score this type of task."""
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
        elif len(names) > (most := known[role].most):
            allowed = counted(most, "column")
            yield f"{role}: takes at most {allowed} (got {len(names)}). Name fewer{_types_with(role, len(names))}."
        elif len(set(names)) < len(names):
            yield f"{role}: names a column twice (got {', '.join(names)}). Name each once."


def _types_with(role: str, count: int) -> str:
    """Suggest other task types that accept this number of columns for a role."""
    others = [name for name, found in _types().items() if role in found.columns and count <= found.columns[role].most]
    return f", or choose another task type: {', '.join(others)}" if others else ""


@cache
def _types() -> Mapping[str, Any]:
    return {name: TASK_TYPES.load(name) for name in TASK_TYPES.names()}


def _roles_of_others(name: str) -> set[str]:
    return {role for other, task_type in _types().items() if other != name for role in task_type.columns}
