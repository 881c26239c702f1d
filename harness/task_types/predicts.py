"""Prediction by task type: how `harness predict` reads rows and formats predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.config.checking import Strict
from harness.data.task import Row, Task
from harness.errors import UserError

if TYPE_CHECKING:  # Objectives read training settings, which are composed of those of the task types.
    from harness.task_types.objective import Objective


class NoSettings(Strict):
    """The settings of a task type that has none."""


class Predicts:
    """The part of a task type that reads rows for `harness predict` and formats predictions.

    Methods with `settings` get an instance of `predict_settings`.

    Attributes:
        inputs: Roles of the columns that a prediction needs.
        predict_options: Options of `harness predict` that give a single row without a file, with their help texts.
        prediction_columns: Columns that `harness predict` adds to a row.
        predict_settings: Further options of `harness predict`; each field is an option, and its description the help
            text.
        explain_settings: Further options of `harness explain`, in the same form.
    """

    inputs: tuple[str, ...]
    predict_options: Mapping[str, str]
    prediction_columns: tuple[str, ...] = ("prediction",)
    predict_settings: type[Strict] = NoSettings
    explain_settings: type[Strict] = NoSettings

    def written_columns(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return those of `prediction_columns` that exist for these labels."""
        return self.prediction_columns

    def predicted(self, answer: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
        """Convert a row of predictions.parquet to the output of `harness predict`."""
        return {name: answer[name] for name in self.prediction_columns}

    def shown(self, prediction: Any) -> Any:
        """Convert a prediction of predictions.parquet to readable form; unchanged by default."""
        return prediction

    def wrongness(self, answer: Mapping[str, Any], labels: Sequence[str]) -> float:
        """Rate the error of a row of predictions.parquet, to find the worst ones. 0 is correct; more is worse.

        By default 1 if prediction and reference differ.
        """
        return float(answer["prediction"] != answer["reference"])

    def predicting(self, objective: Objective, settings: Any) -> Objective:
        """Adapt the objective to the options of `harness predict`; unchanged by default."""
        return objective

    def recalibrated(
        self,
        answers: Sequence[dict[str, Any]],
        validated: Callable[[], Sequence[Mapping[str, Any]]],
        labels: Sequence[str],
        settings: Any,
    ) -> Sequence[dict[str, Any]]:
        """Recalibrate predicted probabilities if the options ask for it, perhaps on the rows of the validation split.

        By default they are unchanged.
        """
        return answers

    def check_files(self, settings: Any, rows: Sequence[Row]) -> None:
        """Check, before predicting, that `write_files` will be able to write.

        Raises:
            UserError: If it will not; lists every mistake.
        """

    def write_files(self, settings: Any, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> None:
        """Write additional files if the options ask for them; none by default."""

    def row_from_options(self, task: Task, options: Mapping[str, Sequence[str]], where: str) -> dict[str, Any]:
        """Build a row from the options of `harness predict`.

        Raises:
            UserError: If the options do not fit the task type.
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
        """Return the columns that each option of `harness predict` fills, one value per column."""
        return {role: task.columns_of(role) for role in self.inputs}

    def completed(self, task: Task, row: Row) -> Row:
        """Derive missing inputs of a row from its other columns; unchanged by default."""
        return row

    def answered(self, task: Task, row: Row) -> Row:
        """Move the answer of a row to the column that the task names, if it is in others; unchanged by default."""
        return row
