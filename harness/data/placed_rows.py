"""Rows with their place in a file, and messages about missing columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.counted import counted
from harness.data.inner_fields import field_paths, inner_fields
from harness.errors import UserError, listed, nearest

SHOWN = 10


class PlacedRow(dict[str, object]):
    """A row with the file and line that it comes from.

    Attributes:
        place: The name of the row in messages, such as "reviews.csv, line 7".
        repeated: Names that several columns of the file have. The row has none of these columns.
    """

    __slots__ = ("place", "repeated")

    def __init__(self, cells: Mapping[str, object], place: str, repeated: frozenset[str] = frozenset()) -> None:
        super().__init__(cells)
        self.place = place
        self.repeated = repeated


def with_fields(row: Mapping[str, object], fields: Mapping[str, object]) -> PlacedRow:
    """Return a row with further fields, and with its place in the file."""
    return PlacedRow({**row, **fields}, getattr(row, "place", ""), getattr(row, "repeated", frozenset()))


def with_inner_fields(row: Mapping[str, object], paths: Iterable[str]) -> Mapping[str, object]:
    """Return the row with the fields inside of its objects at these paths as columns of their own."""
    found = inner_fields(row, paths)
    return with_fields(row, found) if found else row


def flattened(row: Mapping[str, object]) -> Mapping[str, object]:
    """Return the row with the fields inside of its objects as columns, in place of the objects.

    >>> flattened({"id": 1, "review": {"text": "a joy", "film": {"year": 1984}}})
    {'id': 1, 'review.text': 'a joy', 'review.film.year': 1984}
    """
    paths = field_paths(row)
    if paths == [*row]:
        return row
    whole = with_inner_fields(row, paths)
    return PlacedRow({path: whole.get(path) for path in paths}, getattr(row, "place", ""))


def named(cells: Mapping[str, object]) -> Mapping[str, object]:
    """Return the cells with no blanks around the columns' names, which a user neither sees nor types.

    >>> named({" Subject": "Hello", "Body": "…"})
    {'Subject': 'Hello', 'Body': '…'}
    """
    stripped = [name.strip() for name in cells]
    same = stripped == list(cells) or len({*stripped}) < len(stripped)
    return cells if same else dict(zip(stripped, cells.values(), strict=True))


def table(header: Sequence[str], body: Iterable[tuple[str, Sequence[object]]]) -> list[PlacedRow]:
    """Return the rows of a table. Columns without a name or with a repeated name are left out.

    If every row ends with a separator, and the header does not, it is ignored.

    Args:
        header: The names of the columns; blanks around them are removed.
        body: The place and the fields of each row.

    Raises:
        UserError: If rows are longer or shorter than the header.
    """
    header, rows = [name.strip() for name in header], _trimmed(list(body), len(header))
    refuse(
        f"{place}: {counted(len(fields), 'field')}, but the header has {len(header)}. Fix or quote the line."
        for place, fields in rows
        if len(fields) != len(header)
    )
    refuse(_unnamed_columns(header, rows))
    repeated = frozenset(name for name, count in Counter(header).items() if count > 1 and name)
    if all(header) and not repeated:
        return [PlacedRow(dict(zip(header, fields, strict=True)), place) for place, fields in rows]
    wanted = [index for index, name in enumerate(header) if name and name not in repeated]
    return [PlacedRow({header[index]: fields[index] for index in wanted}, place, repeated) for place, fields in rows]


def _trimmed(rows: list[tuple[str, Sequence[object]]], width: int) -> list[tuple[str, Sequence[object]]]:
    """Return the rows without their last fields if these are empty in all rows and have no place in the header."""
    are_longer = all(len(fields) > width and not any(fields[width:]) for _, fields in rows)
    return [(place, fields[:width]) for place, fields in rows] if are_longer else rows


def _unnamed_columns(header: Sequence[str], rows: Sequence[tuple[str, Sequence[object]]]) -> Iterator[str]:
    """Report a table in which most columns with content have no name, as below a title."""
    if not rows or 2 * sum(map(bool, header)) >= len(header):
        return
    place, usual = sorted(rows, key=lambda row: sum(map(bool, row[1])))[len(rows) // 2]  # Not one with a remark.
    names = [name for name, field in zip(header, usual, strict=True) if field not in (None, "")]
    known = [name for name in names if name]
    if 2 * len(known) < len(names):
        shown = f"{', '.join(known) or 'none':.80}"
        yield (
            f"{place}: the first row names {len(known)} of the {len(names)} columns with content here ({shown}). "
            "Remove the rows above the names of the columns."
        )


def column_problem(row: Mapping[str, object], column: str, advice: str = "", *, otherwise: str = "") -> str:
    """Describe a column that a row does not have, and what to do. Fields inside of objects are listed by their paths.

    Args:
        row: The row.
        column: The name of the column.
        advice: What to do; by default a column with a similar name is suggested, if any.
        otherwise: What to do if there is none.
    """
    if column in getattr(row, "repeated", ()):
        return f"column {column!r} appears twice. Give each column a name of its own."
    paths = field_paths(row)
    inside = [path for path in paths if path not in row and path.endswith(f".{column}")]
    near = f" Did you mean {inside[0]}?" if len(inside) == 1 else nearest(column, paths)
    proposed = near if "mean" in near else otherwise
    return f"no column {column!r} (its columns: {listed(column, paths)}).{advice or proposed}"


def refuse(problems: Iterable[str]) -> None:
    """Raise an error with the first ten of `problems` and the number of others, if there are any."""
    lines = list(problems)
    if len(lines) > SHOWN:
        lines = [*lines[:SHOWN], f"and {counted(len(lines) - SHOWN, 'more mistake')} of this kind or others."]
    if lines:
        raise UserError(*lines)
