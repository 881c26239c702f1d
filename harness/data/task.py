"""Task: a data set with a task type and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, Self, runtime_checkable

from harness.data.inner_fields import inner_fields
from harness.data.placed_rows import with_inner_fields
from harness.fold import Fold
from harness.registry import TASK_TYPES

Row = Mapping[str, object]
NearDuplicates = Literal["drop", "keep"]


class Example:
    """An example to learn from. Each task type defines its own class, a frozen dataclass.

    Attributes:
        id: Unique within its split.
        group: Identifies examples that depend on each other, such as those of one passage; empty if independent. A
            group is never divided between splits, and is resampled as a whole.
    """

    __slots__ = ()
    id: str
    group: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The texts of the example."""
        raise NotImplementedError

    @property
    def joining_parts(self) -> tuple[int, ...]:
        """Indices of the parts that join examples to a group however short they are; others need eight words.

        By default the first part, if it is the only one.
        """
        return (0,) if len(self.parts) == 1 else ()

    @property
    def every_text(self) -> tuple[str, ...]:
        """The texts and the answers: everything that must not leak into training. By default the parts."""
        return self.parts

    @property
    def label_indices(self) -> tuple[int, ...]:
        """Indices of the labels; empty if the target is not a label."""
        return ()

    def relabelled(self, places: Mapping[int, int]) -> Self:
        """Return a copy with other label indices; the example itself if it has none."""
        return self


BlankRows = Literal["refuse", "skip"]
Decimal = Literal["point", "comma"]


@dataclass(frozen=True)
class Splits:
    """The examples for training, validation and test.

    Attributes:
        test: Empty if the run must not see it.
        labels: Label names in the order of their indices; empty if there are none.
        dropped: Number of rows that were left out or changed, by reason, such as "train rows that repeat another".
        notes: Facts about the rows that belong in the record, such as labels that differ in case only.
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
        """Return rows by split: "train", and "validation" and "test" if they were published."""
        ...

    def fingerprint(self) -> str:
        """Return an identifier of the data that is cheap to compute, such as a Hub revision."""
        ...


@runtime_checkable
class NotedSource(Source, Protocol):
    """A source with remarks on its rows."""

    def notes(self) -> Iterable[str]:
        """Facts about the rows that belong in the record."""
        ...


@runtime_checkable
class SplitwiseSource(Source, Protocol):
    """A source that can skip reading a split."""

    def rows_without(self, split: str) -> Mapping[str, Sequence[Row]]:
        """Return rows by split, without reading `split`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of the registry. A missing validation or test split is split off the training data, by group.

    Attributes:
        task_type: The name of a folder in harness/task_types, such as "classification".
        source: Where the rows come from.
        metrics: Names of metrics, the main one first.
        licence: The licence of the data.
        citation: The work to cite.
        columns: The column names of the data set by role, where they differ from the task type's defaults. Two columns
            make a pair of texts.
        labels: Label names in the order of their indices. If empty, they are taken from the training data.
        group: The column that identifies rows that belong together.
        near_duplicates: "drop" leaves out training rows that nearly repeat a validation or test row, and keeps
            near-duplicates in the same split; "keep" does so for exact copies only.
        keep_repeats: Whether equal training rows are all kept, for data that repeats rows on purpose.
        blank_rows: Whether blank documents, and texts without a label, are refused; or skipped and counted, with all
            rows that lack what an example needs.
        decimal: What stands before the decimals of numbers that are written as text; None: commas if the whole column
            is written like that.
        fold: In cross-validation, the fold of train that is the test split; the others are trained on.
        examples: Number of examples in each published split, so that a plan can count before the data is loaded.
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
    keep_repeats: bool = False
    blank_rows: BlankRows = "refuse"
    decimal: Decimal | None = None
    fold: Fold | None = None
    examples: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def type(self) -> Any:
        """The `harness.task_types.contract.TaskType`; cached, because it is used several times per row."""
        return TASK_TYPES.load(self.task_type)

    def columns_of(self, role: str) -> tuple[str, ...]:
        """Return the names of the columns with a role."""
        named = self.columns.get(role) or self.type.columns[role].default or role
        return (named,) if isinstance(named, str) else named

    def column(self, role: str) -> str:
        """Return the name of the only column with a role."""
        (name,) = self.columns_of(role)
        return name

    @property
    def every_column(self) -> tuple[str, ...]:
        """All required columns."""
        group = (self.group,) if self.group else ()
        return (*(name for role in self.type.columns for name in self.columns_of(role)), *group)

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns that a prediction needs."""
        return tuple(name for role in self.type.inputs for name in self.columns_of(role))

    def answered(self, row: Row) -> Row:
        """Return a row with all columns that can be made of its fields, such as those inside of objects.

        A column may be named by the path to a field, such as "review.text"; see `harness.data.inner_fields`.
        """
        found: Row = self.type.answered(self, with_inner_fields(row, self._paths))
        return found

    def completed(self, row: Row) -> Row:
        """Return a row with all inputs of a prediction that can be made of its fields, as in `answered`."""
        found: Row = self.type.completed(self, with_inner_fields(row, self._paths))
        return found

    def inner_fields(self, row: Row) -> Mapping[str, object]:
        """Return the task's columns that are fields inside of a row's objects, by their paths."""
        return inner_fields(row, self._paths)

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(name for name in self.every_column if "." in name)
