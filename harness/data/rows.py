"""Convert rows to examples, or to lines that report their mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.data.fields import FieldError, UnknownLabelError
from harness.data.task import Example, Row, Task
from harness.data.unknown_labels import Unknown, unknown_lines

SKIP = ' `--blank-rows skip` (in a suite, blank_rows = "skip") leaves such rows out.'


@dataclass(frozen=True)
class Reading:
    """Reads the rows of a task, and collects mistakes.

    Attributes:
        labels: The label names in the order of their indices.
        problems: The mistakes, a line each.
        dropped: Number of rows left out, by reason.
    """

    task: Task
    labels: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The labels with an output of the model."""
        return self.labels if self.task.type.labels_are_outputs else ()

    def examples(self, split: str, rows: Sequence[Row]) -> list[Example]:
        """Return the examples of a split. Rows with mistakes are left out, and the mistakes added to `problems`."""
        found: list[Example] = []
        unknown: list[Unknown] = []
        problems: list[str] = []
        for number, (row, identity) in enumerate(zip(rows, identities(rows, split), strict=True), start=1):
            if self.task.blank_rows == "skip" and (blank := self.task.type.blank_role(self.task, row)):
                self.dropped[f"{split} rows {self.task.type.blank_reason(blank)}"] += 1
                continue
            try:
                example = self.task.type.example(
                    self.task, row, identity, split=split, labels=self.labels, dropped=self.dropped
                )
            except UnknownLabelError as error:
                unknown.append(Unknown(error, row_place(split, number, row)))
            except FieldError as error:
                advice = SKIP if self.task.type.blank_role(self.task, row) else ""
                problems.append(f"{row_place(split, number, row)}: {error}{advice}")
            else:
                found += [] if example is None else [example]
        self.problems.extend([*unknown_lines(unknown, self.labels, rows=len(rows)), *problems])
        return found


def group_of(task: Task, row: Row) -> str:
    """Return the group of a row; empty if it has none."""
    field = row[task.group] if task.group else None
    return "" if field is None or field != field else str(field)  # An empty field of a table of numbers is NaN.


def row_place(split: str, number: int, row: Row) -> str:
    """Return the name of a row in messages: its file and line if known, otherwise its split and number."""
    place = getattr(row, "place", "")
    return f"{split} ({place})" if place else f"{split} row {number}"


def identities(rows: Sequence[Row], split: str) -> list[str]:
    """Return the ids of a split's examples: their own if no two are the same, otherwise their split and number from 1.

    A row without an id of its own is named by its split and number, too.
    """
    own = [row.get("id") for row in rows]
    if repeated_id(rows) is not None:
        own = [None] * len(rows)
    return [
        f"{split}-{number}" if field is None or field == "" else str(field) for number, field in enumerate(own, start=1)
    ]


def repeated_id(rows: Sequence[Row]) -> str | None:
    """Return an id that several rows have, so that the column does not identify them; None if there is none."""
    own = (str(field) for row in rows if (field := row.get("id")) is not None and field != "")
    return next((field for field, count in Counter(own).items() if count > 1), None)
