"""How much worse is still not worse: the margin of a comparison, as a suite, a call or the command line says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from harness.errors import UserError
from harness.metrics.metric import Unit

POINTS = 100
"""What a score is multiplied by where it is shown in points."""
WANTED = "must be a number above 0, or a table with one for each task"


@dataclass(frozen=True, slots=True)
class Margin:
    """A task's margin.

    Attributes:
        shown: As it was said, in the units that scores are shown in.
        value: In the metric's natural unit; None where the margin is in points and the metric is not.
    """

    shown: float
    value: float | None


@dataclass(frozen=True, slots=True)
class Margins:
    """The margins of a comparison.

    Attributes:
        points: Of every task whose metric is shown in points, such as 1.0 for one point of accuracy.
        by_task: Of single tasks, in the units that their scores are shown in.
    """

    points: float | None = None
    by_task: Mapping[str, float] = field(default_factory=dict)

    def of(self, task: str, unit: Unit) -> Margin | None:
        """The task's margin, whose scores are shown in `unit`; None where none was said."""
        if task in self.by_task:
            return Margin(self.by_task[task], self.by_task[task] / unit.factor)
        if self.points is None:
            return None
        return Margin(self.points, self.points / POINTS if unit.factor == POINTS else None)

    def only(self, tasks: Iterable[str]) -> Margins:
        """Those of some tasks."""
        return Margins(self.points, {task: margin for task, margin in self.by_task.items() if task in set(tasks)})

    def words(self) -> list[str]:
        """What says the same on the command line."""
        told = [] if self.points is None else [f"{self.points:g}"]
        told += [f"{task}={margin:g}" for task, margin in self.by_task.items()]
        return [word for margin in told for word in ("--margin", margin)]


def checked_margin(value: object) -> object:
    """`value`, which is a number above 0, or a table with one for each task.

    Raises:
        ValueError: It is anything else.
    """
    numbers = list(value.values()) if isinstance(value, Mapping) else [value]
    if not numbers or not all(_is_margin(number) for number in numbers):
        raise ValueError(WANTED)
    return value


def margins_of(value: float | Mapping[str, float] | None) -> Margins | None:
    """The margins that a number, or a table by task, stands for.

    Raises:
        ValueError: It is neither.
    """
    if value is None:
        return None
    checked_margin(value)
    return Margins(by_task=dict(value)) if isinstance(value, Mapping) else Margins(points=float(value))


def margins_from_words(words: Sequence[str]) -> Margins | None:
    """The margins that the command line says, such as "1", or "stsb=0.05" for one task.

    Raises:
        UserError: A word is neither.
    """
    points: float | None = None
    by_task: dict[str, float] = {}
    for word in words:
        task, equals, number = word.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not _is_margin(value) or (equals and not task):
            raise UserError(f"--margin: must be a number above 0, or TASK=NUMBER (got {word!r}).")
        if equals:
            by_task[task] = value
        else:
            points = value
    return Margins(points, by_task) if words else None


def _is_margin(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0


def unknown_tasks(margins: Margins | None, tasks: Iterable[str]) -> list[str]:
    """The names in the margins that are no task's."""
    return [] if margins is None else [name for name in margins.by_task if name not in set(tasks)]
