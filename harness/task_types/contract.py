"""TaskType: everything that is particular to one sort of task, in one folder.

A task type is a folder of `harness/task_types`:

- `__init__.py` gives `task_type`. It imports no torch, so that a task can be listed, read and checked without.
- `objective.py` has `objective(labels, training)`: how a model learns it.
- `baselines.py` has `BASELINES`: how each simple baseline answers it, by the name of its model family.
- whatever else it needs: its metrics, its examples, how its fields are read.

Nothing outside these folders knows a task type's name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.config.checking import Strict
from harness.data.labels import sorted_names, spelling_notes, twin_notes
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Example, Row, Splits, Task
from harness.errors import UserError
from harness.metrics.metric import Metric
from harness.rare_label import RareLabel
from harness.task_types.analysed import Analysed
from harness.task_types.predicts import NoSettings, Predicts

if TYPE_CHECKING:  # A recipe is made of the task types' parts, so neither can import the other first.
    from harness.config.training import Training
    from harness.task_types.linear import LinearTask
    from harness.task_types.objective import Objective
    from harness.task_types.simulated import Simulation


@dataclass(frozen=True)
class Column:
    """A column that a task type reads.

    Attributes:
        help: What it holds, as the command line says it.
        default: What it is called where a task does not say; "": as its role.
        most: How many columns may have this role: 2 for a text that may be a pair.
    """

    help: str
    default: str = ""
    most: int = 1


class FittedBaseline(Protocol):
    """A simple baseline that was fitted."""

    def outputs(self, examples: Sequence[Any]) -> Any:
        """What the task type's objective makes rows of predictions from, one per example."""

    def save(self, folder: Path) -> None:
        """Write it into `folder`, without a pickle."""


class BaselineMaker(Protocol):
    """How a simple baseline answers tasks of one type."""

    def fit(self, examples: Sequence[Any], labels: tuple[str, ...]) -> FittedBaseline:
        """The best answer to `examples`, the training data."""

    def load(self, folder: Path, labels: tuple[str, ...]) -> FittedBaseline:
        """What `save` wrote into `folder`."""


def finite(value: Any) -> Any:
    """The value; None for a number that JSON doesn't have, such as the score of a span in an empty context."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class TaskType(Analysed, Predicts, ABC):
    """One sort of task.

    Attributes:
        name: The folder's name.
        columns: What a row holds, by role; `Task.columns` says what a data set calls them.
        metrics: What can judge it. No two task types have different metrics of one name.
        default_metrics: Those of a user's own files, the main one first; see `metrics_for`.
        settings: Its part of the recipe.
        unused_settings: What of this part its tasks have no use for.
        inferred: Whether a user's own files are of this type where they name a column that no other type has.
        endings: Of files that no other task type is read from: a user's own file of this kind is of this type.
        guess_rank: When it is asked what a user's rows are, from the most particular task type to the least.
        scored_as_found: Whether a model without training is judged by what its checkpoint brings, so that no seed
            plays a part.
        labels_are_outputs: Whether a model has an output for each of the label names; else they say how the data is
            read, and no more.
    """

    name: str
    columns: Mapping[str, Column]
    metrics: tuple[Metric, ...]
    default_metrics: tuple[str, ...]
    settings: type[Strict] = NoSettings
    unused_settings: tuple[str, ...] = ()
    inferred: bool = False
    endings: tuple[str, ...] = ()
    guess_rank: int = 0
    scored_as_found: bool = False
    labels_are_outputs: bool = True

    @abstractmethod
    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> Example | None:
        """One row as an example; None where it is left out, which `dropped` counts by reason.

        Raises:
            FieldError: A field can't be read.
        """

    @abstractmethod
    def unlabelled(self, task: Task, row: Row, identity: str) -> Any:
        """One row as an example without an answer, to predict one.

        Raises:
            FieldError: A field can't be read.
        """

    @abstractmethod
    def pipeline_tag(self, test_scores: Mapping[str, float]) -> str:
        """What the Hub calls models of this sort, for the model card."""

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """The columns that it would read of a user's rows, by role; None, as by default, where they lack something.

        Args:
            columns: Of the rows, by name.
            named: The columns that the user names, by role.

        Raises:
            UnclearError: Several columns may have one role.
        """
        del columns, named
        return None

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Why columns look like this type's, as a part of a sentence; None: they don't.

        Args:
            columns: What `guess_columns` found, by role.
        """
        del columns
        return None

    def metrics_for(self, task: Task) -> tuple[str, ...]:
        """The metrics of a user's own files, the main one first, where the user names none.

        Raises:
            UserError: They depend on the data, and it can't be read.
        """
        del task
        return self.default_metrics

    def label_fields(self, task: Task, row: Row) -> Iterable[object]:
        """What holds a label each in a row; nothing where there are no labels."""
        del task, row
        return ()

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """The names of the labels in the order of their indices: those of the task, or else of the training rows.

        Raises:
            UserError: What the rows have are no names.
        """
        return task.labels or sorted_names(field for row in train for field in self.label_fields(task, row))

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """What a reader of the record should know of how the labels of all rows are read, a sentence each."""
        yield from spelling_notes(field for row in rows for field in self.label_fields(task, row))
        yield from twin_notes(labels)

    def label_problems(self, labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Labels that can't be learnt, a line each."""
        del labels, splits
        yield from ()

    def rare_label(self, splits: Splits) -> RareLabel | None:
        """The rarest label of the training split, where it is rare and can be given more weight; by default None."""
        del splits
        return None

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any] | None:
        """The best answers that tell no example from another, such as the most frequent label for each.

        By them a report knows the runs whose training collapsed (`harness/comparison/collapse.py`). By default None:
        there are no such answers.

        Args:
            references: Those of the test split, as in predictions.parquet.
        """
        del references
        return None

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Whether predictions tell no example from another; by default they always may.

        Args:
            references: The arrow column of predictions.parquet.
            predictions: The same.
        """
        del references, predictions
        return False

    def own_settings(self, training: Training) -> Any:
        """Its part of a recipe."""
        return self.settings.model_validate({key: getattr(training, key) for key in self.settings.model_fields})

    def objective(self, labels: tuple[str, ...], training: Training) -> Objective:
        """How a model learns it. Imports torch.

        Raises:
            UserError: The recipe does not fit the task type.
        """
        found: Objective = self._module("objective").objective(labels, training)
        return found

    def baseline(self, family: str) -> BaselineMaker:
        """How the simple baseline called `family` answers tasks of this type.

        Raises:
            UserError: It has no answer to them.
        """
        makers: Mapping[str, BaselineMaker] = self._module("baselines").BASELINES
        if family not in makers:
            raise UserError(
                f"{family}: has no answer to tasks of type {self.name}. Leave it out, or take {', '.join(makers)}."
            )
        return makers[family]

    def linear(self) -> LinearTask:
        """How a linear model of any inputs learns its targets.

        Raises:
            UserError: There is none.
        """
        found: LinearTask | None = getattr(self._module("baselines"), "LINEAR", None)
        if found is None:
            raise UserError(
                f'method: "probe" has no answer to tasks of type {self.name}, whose outputs are not of a text as a '
                'whole. frozen = "encoder" trains the head alone.'
            )
        return found

    def simulations(self) -> Mapping[str, Simulation]:
        """Made-up predictions for each of its metrics, by name (`harness calibrate`)."""
        found: Mapping[str, Simulation] = self._module("simulation").SIMULATIONS
        return found

    def _module(self, name: str) -> Any:
        return import_module(f"harness.task_types.{self.name}.{name}")
