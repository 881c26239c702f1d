"""What a task type says of predictions: how `harness predict` reads rows, and shows what a model makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.config.checking import Strict
from harness.data.task import Row, Task
from harness.errors import UserError

if TYPE_CHECKING:  # An objective reads recipes, which are made of the task types' parts.
    from harness.task_types.objective import Objective


class NoSettings(Strict):
    """A task type without a part of its own in the recipe, or without anything that predictions can be asked for."""


class Predicts:
    """How a task type's rows are predicted.

    Attributes:
        inputs: The roles that a prediction is made from.
        predict_options: The options of `harness predict` that give one row without a file, with their help.
        prediction_columns: What `harness predict` adds to a row.
        predict_settings: What `harness predict` can be asked for beside; each field is an option, and its description
            the help.
        explain_settings: The same of `harness explain`.
    """

    inputs: tuple[str, ...]
    predict_options: Mapping[str, str]
    prediction_columns: tuple[str, ...] = ("prediction",)
    predict_settings: type[Strict] = NoSettings
    explain_settings: type[Strict] = NoSettings

    def written_columns(self, labels: Sequence[str]) -> tuple[str, ...]:
        """What of `prediction_columns` is there where these are the labels."""
        del labels
        return self.prediction_columns

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """A row of predictions.parquet as `harness predict` shows it."""
        del labels
        return {name: answer[name] for name in self.prediction_columns}

    def shown(self, prediction: Any) -> Any:
        """A prediction of predictions.parquet as people read it; by default as it is."""
        return prediction

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
