"""Rows that know where they come from, and what a message says of a column that is not among theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.errors import UserError, listed, nearest

SHOWN = 10


class PlacedRow(dict[str, object]):
    """A row that knows the file and the line that it came from.

    Attributes:
        place: What a message calls it, such as "reviews.csv, line 7".
        repeated: Names that several columns of its file have. The row has none of these columns.
    """

    __slots__ = ("place", "repeated")

    def __init__(self, cells: Mapping[str, object], place: str, repeated: frozenset[str] = frozenset()) -> None:
        super().__init__(cells)
        self.place = place
        self.repeated = repeated


def table(header: Sequence[str], body: Iterable[tuple[str, Sequence[object]]]) -> list[PlacedRow]:
    """The rows of a table. Columns without a name are left out, and so are those whose name is there twice.

    Args:
        header: The columns' names.
        body: Each row's place and its fields.

    Raises:
        UserError: Rows that are longer or shorter than the header.
    """
    rows = list(body)
    refuse(
        f"{place}: {len(fields)} fields, but the header has {len(header)}. Fix or quote the line."
        for place, fields in rows
        if len(fields) != len(header)
    )
    repeated = frozenset(name for name, count in Counter(header).items() if count > 1 and name)
    if all(header) and not repeated:
        return [PlacedRow(dict(zip(header, fields, strict=True)), place) for place, fields in rows]
    wanted = [index for index, name in enumerate(header) if name and name not in repeated]
    return [PlacedRow({header[index]: fields[index] for index in wanted}, place, repeated) for place, fields in rows]


def column_problem(row: Mapping[str, object], column: str, advice: str = "", *, otherwise: str = "") -> str:
    """Why a row can't be asked for a column that it doesn't have, and what to do.

    Args:
        row: The row.
        column: The column's name.
        advice: What to do; by default another column is proposed, where one has nearly this name.
        otherwise: What to do where none has.
    """
    if column in getattr(row, "repeated", ()):
        return f"column {column!r} is there twice. Give each column a name of its own."
    near = nearest(column, row)
    proposed = near if "mean" in near else otherwise
    return f"no column {column!r} (its columns: {listed(column, row)}).{advice or proposed}"


def refuse(problems: Iterable[str]) -> None:
    """Raise the first ten of `problems`, and how many more there are; nothing where there are none."""
    lines = list(problems)
    if len(lines) > SHOWN:
        lines = [*lines[:SHOWN], f"and {len(lines) - SHOWN} more mistakes of this kind or others."]
    if lines:
        raise UserError(*lines)
