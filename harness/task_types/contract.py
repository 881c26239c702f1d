"""TaskType: everything that is specific to a type of task, in one folder.

A task type is a folder of `harness/task_types` with:

- `__init__.py`, which defines `task_type` and does not import torch, so that listing and checking tasks is fast;
- `objective.py`, which defines `objective(labels, training)`: the head, the loss and the predictions;
- `baselines.py`, which defines `BASELINES`: the simple baselines by the name of their model family;
- further modules as needed, for examples, metrics or parsing.

No code outside these folders refers to a task type by name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.config.checking import Strict
from harness.data.fields import is_blank
from harness.data.labels import missing_notes, sorted_names, spelling_notes, twin_notes
from harness.data.sampled_columns import SampledColumn
from harness.data.task import Example, Row, Splits, Task
from harness.errors import UserError
from harness.metrics.metric import Metric
from harness.rare_label import RareLabel
from harness.task_types.analysed import Analysed
from harness.task_types.baseline import BaselineMaker
from harness.task_types.predicts import NoSettings, Predicts

if TYPE_CHECKING:  # Training settings are composed of those of the task types, so this import would be circular.
    from harness.config.training import Training
    from harness.task_types.linear import LinearTask
    from harness.task_types.objective import Objective
    from harness.task_types.simulated import Simulation


@dataclass(frozen=True)
class Column:
    """A column that a task type reads.

    Attributes:
        help: Help text of the command line option.
        default: Column name if the task does not set one. If empty, the name of the role.
        most: Maximum number of columns with this role; 2 for a text that may be a pair.
    """

    help: str
    default: str = ""
    most: int = 1


@dataclass(frozen=True)
class ItemWindows:
    """Windows of the second of two texts, each of which is an item, for forecasts.

    Attributes:
        length: Number of tokens in a window, with the first text and special tokens; None: what a model can read.
        stride: Number of tokens that neighbouring windows share; None: the usual number for the length.
        most: Maximum number of windows; None: no limit.
        trained: Share of the windows beyond the first that is trained on.
    """

    length: int | None
    stride: int | None
    most: int | None
    trained: float


def finite(value: Any) -> Any:
    """Replace infinite and NaN floats, which JSON lacks, by None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def untaught_labels(labels: tuple[str, ...], splits: Splits, *, unit: str, noun: str) -> Iterator[str]:
    """Describe that no unit, such as a row, has a label, that all have the same one, or that train lacks one."""
    trained = {label for example in splits.train for label in example.label_indices}
    if not labels:
        yield f"train: no {unit} has a {noun}. Give labelled rows."
    elif len(trained) == 1:
        yield f"train: every {unit} has the {noun} {labels[trained.pop()]!r:.100}. Give at least two {noun}s."
    else:
        for split, examples in (("validation", splits.validation), ("test", splits.test)):
            for label in sorted({label for example in examples for label in example.label_indices} - trained):
                yield f"{split}: {noun} {labels[label]!r:.100} never occurs in train. Add some, or leave it out."


class TaskType(Analysed, Predicts, ABC):
    """A type of task.

    Attributes:
        name: The name of the folder.
        columns: The columns of a row by role; `Task.columns` maps them to those of a data set.
        metrics: All metrics of the type. Two task types may not have different metrics of the same name.
        default_metrics: Metrics of a user's own files, the main one first; see `metrics_for`.
        settings: The training settings of the type.
        unused_settings: Inherited training settings that have no effect; `strategy`: unless it reads by segments.
        uncounted: Work that forecasts from a model's operations leave out, in words; empty if there is none.
        inferred: Whether own files have this type if they name a column that only this type has.
        endings: File extensions that only this type reads; own files with one have this type.
        guess_rank: Position in which the type is considered for own files; more specific types come first.
        may_be_blank: Roles of columns that may be blank in an example.
        scored_as_found: Whether an untrained model is scored with the checkpoint's own head, so that seeds do not
            matter.
        labels_are_outputs: Whether the model has an output per label name; otherwise the names only tell how to read
            the data.
    """

    name: str
    columns: Mapping[str, Column]
    metrics: tuple[Metric, ...]
    default_metrics: tuple[str, ...]
    settings: type[Strict] = NoSettings
    unused_settings: tuple[str, ...] = ()
    uncounted: str = ""
    inferred: bool = False
    endings: tuple[str, ...] = ()
    guess_rank: int = 0
    may_be_blank: tuple[str, ...] = ()
    scored_as_found: bool = False
    labels_are_outputs: bool = True

    @abstractmethod
    def example(
        self, task: Task, row: Row, identity: str, *, split: str, labels: tuple[str, ...], dropped: Counter[str]
    ) -> Example | None:
        """Convert a row to an example, or return None to leave it out and count the reason in `dropped`.

        Raises:
            FieldError: If a field is invalid.
        """

    def blank_role(self, task: Task, row: Row) -> str | None:
        """Return the first role whose columns are all blank, so that `--blank-rows skip` skips the row, or None."""
        needed = (role for role in self.columns if role not in self.may_be_blank)
        return next((role for role in needed if all(is_blank(row.get(name)) for name in task.columns_of(role))), None)

    def blank_reason(self, role: str) -> str:
        """Say what a row lacks that was skipped because of this role."""
        return f"with blank {role}"

    @abstractmethod
    def unlabelled(self, task: Task, row: Row, identity: str) -> Any:
        """Convert a row without an answer to an example for prediction.

        Raises:
            FieldError: If a field is invalid.
        """

    @abstractmethod
    def pipeline_tag(self, test_scores: Mapping[str, float]) -> str:
        """Return the Hub's pipeline tag for the model card."""

    def guess_columns(
        self, columns: Mapping[str, SampledColumn], named: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """Guess which columns of a user's file have which role; None, the default, if any is missing.

        Raises:
            UnclearError: If several columns may have the same role.
        """
        return None

    def fit(self, columns: Mapping[str, Sequence[SampledColumn]]) -> str | None:
        """Explain in a clause why the columns of `guess_columns` fit this type; None if they do not."""
        return None

    def metrics_for(self, task: Task) -> tuple[str, ...]:
        """Return the default metrics of a user's own files, the main one first.

        Raises:
            UserError: If they depend on the data and it cannot be read.
        """
        return self.default_metrics

    def label_fields(self, task: Task, row: Row) -> Iterable[object]:
        """Return the fields of a row that each hold a label; empty if the type has no labels."""
        return ()

    def label_names(self, task: Task, train: Sequence[Row]) -> tuple[str, ...]:
        """Return the label names in the order of their indices, from the task or else from the training rows.

        Raises:
            UserError: If the rows do not hold label names.
        """
        return task.labels or sorted_names(field for row in train for field in self.label_fields(task, row))

    def label_notes(self, task: Task, rows: Sequence[Row], labels: tuple[str, ...]) -> Iterator[str]:
        """Remarks for the record on how labels were read, a sentence each."""
        yield from spelling_notes(field for row in rows for field in self.label_fields(task, row))
        yield from twin_notes(labels)
        yield from missing_notes(labels)

    def label_problems(self, labels: tuple[str, ...], splits: Splits) -> Iterator[str]:
        """Describe labels that cannot be learnt, a line each."""
        yield from ()

    def rare_label(self, splits: Splits) -> RareLabel | None:
        """Return the rarest training label if it is rare and can be given more weight; None by default."""
        return None

    def constant_answers(self, references: Sequence[Any]) -> Sequence[Any] | None:
        """Return the best predictions that ignore the input, such as the most frequent label for every example.

        Reports use them to detect collapsed runs (`harness/comparison/collapse.py`). By default None: there are none.
        """
        return None

    def is_constant(self, references: Any, predictions: Any) -> bool:
        """Return whether all predictions, an arrow column of predictions.parquet, are alike; by default, equal.

        Arrow can't compare lists: a type whose predictions are lists has its own.
        """
        return len(predictions.unique()) == 1

    def item_windows(self, training: Training) -> ItemWindows | None:
        """Return the windows of an example of two texts, if each is an item; None, the default, if a text is one."""
        return None

    def readings(self, task: Task, row: Row) -> Sequence[Sequence[str]]:
        """Return the texts that are read together, for each time that a model reads an example, for forecasts.

        By default all inputs are read once.

        Args:
            task: The task.
            row: The row; if it is empty, only the number of readings matters, which may be 0 if it depends on the row.
        """
        return [[str(row.get(column, "")) for role in self.inputs for column in task.columns_of(role)]]

    def own_settings(self, training: Training) -> Any:
        """Return the settings of this type out of all training settings."""
        return self.settings.model_validate({key: getattr(training, key) for key in self.settings.model_fields})

    def objective(self, labels: tuple[str, ...], training: Training) -> Objective:
        """Return the objective: head, loss and predictions. Imports torch.

        Raises:
            UserError: If the training settings do not fit the task type.
        """
        found: Objective = self._module("objective").objective(labels, training)
        return found

    def baseline(self, family: str) -> BaselineMaker:
        """Return the simple baseline called `family`.

        Raises:
            UserError: If this type has no such baseline.
        """
        makers: Mapping[str, BaselineMaker] = self._module("baselines").BASELINES
        if family not in makers:
            raise UserError(
                f"{family}: does not support tasks of type {self.name}. Leave it out, or use {', '.join(makers)}."
            )
        return makers[family]

    def linear(self) -> LinearTask:
        """Return how a linear model is fitted to the targets, for method "probe".

        Raises:
            UserError: If the type does not support it.
        """
        found: LinearTask | None = getattr(self._module("baselines"), "LINEAR", None)
        if found is None:
            raise UserError(
                f'method: "probe" does not support tasks of type {self.name}, which have no single output per '
                'text. frozen = "encoder" trains the head alone.'
            )
        return found

    def simulations(self) -> Mapping[str, Simulation]:
        """Return generators of simulated predictions by metric (`harness calibrate`)."""
        found: Mapping[str, Simulation] = self._module("simulation").SIMULATIONS
        return found

    def _module(self, name: str) -> Any:
        return import_module(f"harness.task_types.{self.name}.{name}")
