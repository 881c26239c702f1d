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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from harness.task_types.analysed import Analysed

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


class NoSettings(Strict):
    """A task type without a part of its own in the recipe."""


class TaskType(Analysed, ABC):
    """One sort of task.

    Attributes:
        name: The folder's name.
        columns: What a row holds, by role; `Task.columns` says what a data set calls them.
        inputs: The roles that a prediction is made from.
        predict_options: The options of `harness predict` that give one row without a file, with their help.
        metrics: What can judge it. No two task types have different metrics of one name.
        default_metrics: Those of a user's own files, the main one first; see `metrics_for`.
        prediction_columns: What `harness predict` adds to a row.
        predict_settings: What `harness predict` can be asked for beside; each field is an option, and its description
            the help.
        settings: Its part of the recipe.
        unused_settings: What of this part its tasks have no use for.
        inferred: Whether a user's own files are of this type where they name a column that no other type has.
        endings: Of files that no other task type is read from: a user's own file of this kind is of this type.
        guess_rank: When it is asked what a user's rows are, from the most particular task type to the least.
        scored_as_found: Whether a model without training is judged by what its checkpoint brings, so that no seed
            plays a part.
    """

    name: str
    columns: Mapping[str, Column]
    inputs: tuple[str, ...]
    predict_options: Mapping[str, str]
    metrics: tuple[Metric, ...]
    default_metrics: tuple[str, ...]
    prediction_columns: tuple[str, ...] = ("prediction",)
    predict_settings: type[Strict] = NoSettings
    settings: type[Strict] = NoSettings
    unused_settings: tuple[str, ...] = ()
    inferred: bool = False
    endings: tuple[str, ...] = ()
    guess_rank: int = 0
    scored_as_found: bool = False

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

    def written_columns(self, labels: Sequence[str]) -> tuple[str, ...]:
        """What of `prediction_columns` is there where these are the labels."""
        del labels
        return self.prediction_columns

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """A row of predictions.parquet as `harness predict` shows it."""
        del labels
        return {name: answer[name] for name in self.prediction_columns}

    def wrongness(self, answer: Mapping[str, Any], labels: Sequence[str]) -> float:
        """How wrong a row of predictions.parquet is, to find the worst of a run: 0 is right, more is worse.

        By default whether it is not the reference.
        """
        del labels
        return float(answer["prediction"] != answer["reference"])

    def predicting(self, objective: Objective, settings: Any) -> Objective:
        """The objective that gives what is asked for; by default as it is.

        Args:
            objective: The run's.
            settings: Its `predict_settings`.
        """
        del settings
        return objective

    def recalibrated(
        self,
        answers: Sequence[dict[str, Any]],
        validated: Callable[[], Sequence[Mapping[str, Any]]],
        labels: Sequence[str],
        settings: Any,
    ) -> Sequence[dict[str, Any]]:
        """Rows of predictions with other probabilities, where they are asked for; by default as they are.

        Args:
            answers: What `harness predict` found.
            validated: Gives the same of the run's validation split, which is read and predicted anew.
            labels: The label names in the order of logits.
            settings: Its `predict_settings`.
        """
        del validated, labels, settings
        return answers

    def check_files(self, settings: Any, rows: Sequence[Row]) -> None:
        """Refuse what `write_files` could not write, before time is spent on predictions.

        Args:
            settings: Its `predict_settings`.
            rows: What is to be predicted.

        Raises:
            UserError: Every mistake in them.
        """
        del settings, rows

    def write_files(self, settings: Any, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> None:
        """Write what is asked for beside the rows; by default nothing.

        Args:
            settings: Its `predict_settings`.
            rows: What was predicted.
            answers: The rows of predictions.parquet, one for each.
        """
        del settings, rows, answers

    def row_from_options(self, task: Task, options: Mapping[str, Sequence[str]], where: str) -> dict[str, Any]:
        """The row that options of `harness predict` give.

        Args:
            task: Whose columns the row has.
            options: The values of each option that was given.
            where: What a message begins with.

        Raises:
            UserError: The options don't fit the task type.
        """
        wanted = self.option_columns(task)
        fits = options.keys() == wanted.keys()
        if not fits or any(len(options[role]) != len(names) for role, names in wanted.items()):
            flags = " and ".join(
                f"--{role}" + (f" ({len(names)} times)" if len(names) > 1 else "") for role, names in wanted.items()
            )
            given = " ".join(f"--{role}" for role, values in options.items() for _ in values) or "nothing"
            raise UserError(f"{where}: its task reads {flags} (got {given}). Give them, or --input.")
        return {name: value for role, names in wanted.items() for name, value in zip(names, options[role], strict=True)}

    def option_columns(self, task: Task) -> Mapping[str, tuple[str, ...]]:
        """The columns that each option of `harness predict` fills, one value per column: those of the inputs."""
        return {role: task.columns_of(role) for role in self.inputs}

    def completed(self, task: Task, row: Row) -> Row:
        """A row to predict from, with the inputs that it lacks made of what it has; by default as it is."""
        del task
        return row

    def answered(self, task: Task, row: Row) -> Row:
        """A row to learn from, with its answer in the column that the task names, where the row has it in others.

        By default as it is.
        """
        del task
        return row

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
