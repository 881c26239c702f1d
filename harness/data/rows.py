"""Rows made examples, or lines that say why they can't be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.data.fields import FieldError
from harness.data.task import Example, Row, Task


@dataclass(frozen=True)
class Reading:
    """A task's rows being read, with what was found on the way.

    Attributes:
        labels: The label names in the order of their indices.
        problems: Mistakes, a line each.
        dropped: Rows left out, by reason.
    """

    task: Task
    labels: tuple[str, ...]
    problems: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The labels that a model has an output for."""
        return self.labels if self.task.type.labels_are_outputs else ()

    def examples(self, split: str, rows: Sequence[Row]) -> list[Example]:
        """The examples of a split; rows with mistakes are left out and their mistakes kept in `problems`."""
        found: list[Example] = []
        for number, row in enumerate(rows, start=1):
            identity = identity_of(row, split, number)
            try:
                example = self.task.type.example(
                    self.task, row, identity, split=split, labels=self.labels, dropped=self.dropped
                )
            except FieldError as error:
                self.problems.append(f"{row_place(split, number, row)}: {error}")
                continue
            if example is not None:
                found.append(example)
        return found


def group_of(task: Task, row: Row) -> str:
    """The group that a row belongs to; empty where it has none."""
    field = row[task.group] if task.group else None
    return "" if field is None else str(field)


def row_place(split: str, number: int, row: Row) -> str:
    """What a message calls a row: its file and line where it has one, else its split and number."""
    place = getattr(row, "place", "")
    return f"{split} ({place})" if place else f"{split} row {number}"


def identity_of(row: Row, split: str, number: int) -> str:
    """The id of a row's example: its own where it has one, else its split and number from 1."""
    field = row.get("id")
    return f"{split}-{number}" if field is None or field == "" else str(field)
