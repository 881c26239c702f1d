"""Task: the data, its type, and the metrics that judge it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, Self, runtime_checkable

from harness.fold import Fold
from harness.registry import TASK_TYPES

Row = Mapping[str, object]
NearDuplicates = Literal["drop", "keep"]


class Example(Protocol):
    """One thing to learn from. Each task type has examples of its own."""

    @property
    def id(self) -> str:
        """Unique within its split."""

    @property
    def group(self) -> str:
        """Examples that share a group depend on each other (the same film, the same passage).

        They stay on one side of every split and are resampled together. Empty: independent.
        """

    @property
    def parts(self) -> tuple[str, ...]:
        """Its texts."""

    @property
    def every_text(self) -> tuple[str, ...]:
        """Its texts, and those of its answers: what a model must not have read before."""

    @property
    def label_indices(self) -> tuple[int, ...]:
        """The labels that it has; none where it has a number, or nothing to name."""

    def relabelled(self, places: Mapping[int, int]) -> Self:
        """The same with each label's index replaced."""


BlankRows = Literal["refuse", "skip"]


@dataclass(frozen=True)
class Splits:
    """The examples that train, choose (validation) and judge (test) a model.

    Attributes:
        test: Empty where the run is not to see it.
        labels: The label names, in the order of the examples' indices; empty where there are none.
        dropped: How many rows were left out or changed, by reason, such as "train rows that repeat another".
        notes: What a reader of the record should know of the rows, such as labels that differ in case only.
    """

    train: Sequence[Any]
    validation: Sequence[Any]
    test: Sequence[Any]
    labels: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Where a task's rows come from."""

    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows by split: always "train"; "validation" and "test" where the publisher made them."""
        ...

    def fingerprint(self) -> str:
        """What identifies the data without reading all of it, such as a Hub revision."""
        ...


@runtime_checkable
class NotedSource(Source, Protocol):
    """A source that has something to say of its rows."""

    def notes(self) -> Iterable[str]:
        """What a reader of the record should know of them."""
        ...


@runtime_checkable
class SplitwiseSource(Source, Protocol):
    """A source that can leave a split unread."""

    def rows_without(self, split: str) -> Mapping[str, Sequence[Row]]:
        """Rows by split; none of `split`, which is not read, where the publisher made it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """One entry of the registry. A missing validation or test split is carved out of train, by group.

    Attributes:
        task_type: A folder's name in harness/task_types, such as "classification".
        source: Where the rows come from.
        metrics: Names of metrics, the main one first.
        licence: The data's licence.
        citation: Who to cite.
        columns: What the data calls the columns of the task type, where it is not the type's own name for them; two
            columns make a pair of texts.
        labels: Label names in the order of their indices; empty: taken from the training data.
        group: The column that says which rows belong together.
        near_duplicates: "drop" leaves rows out of training that nearly repeat a row that judges, and keeps those that
            nearly repeat each other on one side; "keep" does so with equal ones alone.
        blank_rows: Whether a row whose document is blank is refused, or left out and counted (language modelling).
        fold: In cross-validation, the fold of train that is the test split; the others are trained on.
        examples: How many examples each split of the publisher's has, by which a plan counts before the data is there.
    """

    task_type: str
    source: Source
    metrics: tuple[str, ...]
    licence: str
    citation: str
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    group: str | None = None
    near_duplicates: NearDuplicates = "drop"
    blank_rows: BlankRows = "refuse"
    fold: Fold | None = None
    examples: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def type(self) -> Any:
        """Its `harness.task_types.contract.TaskType`, which is asked for several times a row."""
        return TASK_TYPES.load(self.task_type)

    def columns_of(self, role: str) -> tuple[str, ...]:
        """What the data calls the columns with a role."""
        named = self.columns.get(role) or self.type.columns[role].default or role
        return (named,) if isinstance(named, str) else named

    def column(self, role: str) -> str:
        """What the data calls the one column with a role."""
        (name,) = self.columns_of(role)
        return name

    @property
    def every_column(self) -> tuple[str, ...]:
        """All columns that a row must have."""
        group = (self.group,) if self.group else ()
        return (*(name for role in self.type.columns for name in self.columns_of(role)), *group)
