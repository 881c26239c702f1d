"""What a cell holds: a text, a number or a label."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.errors import nearest
from tasks.labels import label_name
from tasks.task import Row


class CellError(Exception):
    """A cell that can't be read. Says what is wrong and what to do; the reader of rows adds the row's place."""


def text_cell(row: Row, column: str) -> str:
    """The text in a column; a list of texts is joined by line ends.

    Raises:
        CellError: The cell holds no text.
    """
    cell = row[column]
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list) and all(isinstance(item, str) for item in cell):
        return "\n".join(cell)
    raise CellError(f"{column}: not text (got {cell!r}). Fill the cell or leave the row out.")


def number_cell(cell: object, column: str) -> float:
    """The finite number in a cell, written as a number or as text.

    Raises:
        CellError: The cell holds none.
    """
    try:
        number = float(cell) if isinstance(cell, int | float | str) and not isinstance(cell, bool) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CellError(f"{column}: not a finite number (got {cell!r}). Give a number, or choose another kind of task.")
    return number


def label_index(cell: object, column: str, labels: Sequence[str], *, named: bool) -> int:
    """The index of a label: looked up by its name, or, where the task names the labels, given as an index.

    Raises:
        CellError: The cell holds no label, or an unknown one.
    """
    if named and isinstance(cell, int) and not isinstance(cell, bool):
        if cell == -1:
            raise CellError(f"{column}: label -1, which stands for a withheld one. Use a split with public labels.")
        if not 0 <= cell < len(labels):
            raise CellError(
                f"{column}: label index {cell}, but there are {len(labels)} labels. Mend the row or the labels."
            )
        return cell
    name = label_name(cell)
    if name is None:
        raise CellError(f"{column}: no label (got {cell!r}). Fill the cell or leave the row out.")
    if name not in labels:
        raise CellError(
            f"{column}: label {name!r} is not among those of the training data or task.{nearest(name, labels)}"
        )
    return labels.index(name)
