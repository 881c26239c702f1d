"""Label names: those of the task, or those found in its training rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tasks.task import Row, Task

SEPARATOR = "|"


def label_names(task: Task, train: Sequence[Row]) -> tuple[str, ...]:
    """The names of the labels in the order of their indices; none for kinds that have none.

    Names found in the data are sorted, numbers by their value: "2" comes before "10".
    """
    if task.kind not in {"classification", "multi_label"}:
        return ()
    if task.labels:
        return task.labels
    cells: Iterable[object] = (row[task.label] for row in train)
    if task.kind == "multi_label":
        cells = (item for cell in cells for item in several(cell) or ())
    return tuple(sorted({name for cell in cells if (name := label_name(cell)) is not None}, key=_by_number_first))


def label_name(cell: object) -> str | None:
    """What a cell calls its label: text as it stands, a whole number without decimals; None where it has none.

    >>> label_name(3.0), label_name("good"), label_name(float("nan"))
    ('3', 'good', None)
    """
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return None
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, str | int):
        return str(cell) or None
    return None


def several(cell: object) -> Sequence[object] | None:
    """The items of a cell with several labels, a list or text such as "a|b"; None for any other cell."""
    if isinstance(cell, str):
        return [item.strip() for item in cell.split(SEPARATOR)] if cell.strip() else []
    return cell if isinstance(cell, list | tuple) else None


def _by_number_first(name: str) -> tuple[bool, float, str]:
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name
