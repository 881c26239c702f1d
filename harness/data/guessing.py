"""Guess the task type and the columns of a user's rows, as far as the user does not name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.data.labels import label_name
from harness.data.placed_rows import flattened, with_inner_fields
from harness.data.sampled_columns import LOOKED_AT, SampledColumn, UnclearError, sampled_columns
from harness.errors import UserError, nearest, notice
from harness.registry import TASK_TYPES

Columns = Mapping[str, tuple[str, ...]]
SPLITS = {"train", "training", "validation", "valid", "val", "dev", "test", "testing"}
"""What rows of a file say of the split that they are in."""


@dataclass(frozen=True)
class Guess:
    """A guess from rows, with the reason for the type as a part of a sentence."""

    task_type: str
    columns: Columns
    because: str

    def __str__(self) -> str:
        named = {role: " and ".join(names) for role, names in self.columns.items()}
        roles = ", ".join(role if role == names else f"{role} {names}" for role, names in named.items())
        return f"{self.task_type.replace('_', ' ')} ({self.because}): {roles}"


def guessed(
    rows: Sequence[Mapping[str, object]], *, named: Columns, task_type: str | None = None, where: str = "data"
) -> Guess:
    """Guess the task type and the columns. The first task type that accepts the rows wins, by `guess_rank`.

    If none does, fields inside of objects are tried as columns, by their paths.

    Raises:
        UserError: If no task type accepts the rows, or several columns fit a role.
    """
    sample, wanted = rows[:LOOKED_AT], [name for names in named.values() for name in names]
    columns = sampled_columns([with_inner_fields(row, wanted) for row in sample])
    whole = sampled_columns([flattened(row) for row in sample])
    repeated = sorted({name for row in sample[:1] for name in getattr(row, "repeated", ())})
    if repeated:
        notice(f"{where}: {', '.join(map(repr, repeated))} left out, because several columns have this name.")
    missing = [name for name in wanted if name not in columns]
    if missing:
        near = nearest(missing[0], whole)
        advice = near if "mean" in near else " Name one of these."
        raise UserError(f"{where}: no column {missing[0]!r} with content (it has {_listed(whole)}).{advice}")
    found = _first_fit(columns, named, task_type, where) or _first_fit(whole, named, task_type, where)
    read = whole if found is None else {name for names in found.columns.values() for name in names}
    files = next((name for name in read if name not in wanted and name in whole and whole[name].names_files), None)
    if files is not None and not (found is None and any(one.has_several_words for one in whole.values())):
        raise UserError(
            f"{where}: column {files!r} names files, whose texts are not read. Put the texts into a column, or the "
            "files into folders called after their labels, and give the folder."
        )
    if found is not None:
        return found
    if task_type:
        roles = " ".join(f"--{role} NAME" for role in TASK_TYPES.load(task_type).columns)
        raise UserError(f"{where}: {task_type} has other columns than {_listed(whole)}. Name them: {roles}.")
    raise UserError(
        f"{where}: can't tell the task type (columns: {_listed(whole, _constant(whole))}). Name the columns, "
        "such as --text NAME --label NAME, or --question, --context and --answers, or --source and --target; "
        "--task-type says what they are read as."
    )


def _first_fit(columns: Mapping[str, SampledColumn], named: Columns, task_type: str | None, where: str) -> Guess | None:
    """Return the guess of the first task type, or of the one that the user names, that accepts the columns."""
    if any(name not in columns for names in named.values() for name in names):
        return None
    names = [task_type] if task_type else sorted(TASK_TYPES.names(), key=lambda name: TASK_TYPES.load(name).guess_rank)
    for name in names:
        asked = TASK_TYPES.load(name)
        try:
            found = asked.guess_columns(columns, named)
        except UnclearError as unclear:
            role = unclear.role
            again = ", twice for a pair" if asked.columns[role].most == 2 else ""
            raise UserError(
                f"{where}: the {role} may be {_either(unclear.candidates)}. Say which: --{role} NAME{again}."
            ) from None
        if found is not None:
            because = asked.fit({role: [columns[one] for one in found[role]] for role in found})
            if because or task_type:
                return Guess(name, found, because or "as you say")
    return None


def looks_headless(rows: Sequence[Mapping[str, object]], columns: Columns) -> str | None:
    """Return the name of a label's column that is also one of its labels, as in a file without a line of names."""
    names = columns.get("label", ())
    return next((name for name in names if any(label_name(row.get(name)) == name for row in rows)), None)


def split_column(rows: Sequence[Mapping[str, object]], columns: Columns) -> str | None:
    """Return the name of a column that says which split each row is in, and is not read; None if there is none.

    Args:
        rows: The rows.
        columns: The columns that are read, by role.
    """
    read = {name for names in columns.values() for name in names}
    left = {name: one.values for name, one in sampled_columns(rows[:LOOKED_AT]).items() if name not in read}
    return next((name for name, values in left.items() if values and {*map(str.casefold, values)} <= SPLITS), None)


def _constant(columns: Mapping[str, SampledColumn]) -> frozenset[str]:
    """Return the columns with the same value in every row, from which nothing can be learnt."""
    return frozenset(name for name, column in columns.items() if len(column.values) == 1 < len(column.fields))


def _listed(columns: Mapping[str, SampledColumn], constant: frozenset[str] = frozenset()) -> str:
    shown = [f"{name!r} (always the same)" if name in constant else repr(name) for name in list(columns)[:12]]
    return ", ".join(shown) + (f" and {len(columns) - 12:,} more" if len(columns) > 12 else "")


def _either(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names[:6]) + (" or another one" if len(names) > 6 else "")
