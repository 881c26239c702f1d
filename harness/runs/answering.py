"""Load the model of a finished run or of an export, ready to answer examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.checksums import check_files
from harness.config.checking import Strict
from harness.config.run import RunConfig, task_of
from harness.errors import UserError, notice
from harness.models.finished import damage_told, finished_model
from harness.models.loaded import Loaded
from harness.ops.device import fresh_accelerator
from harness.record import RunRecord
from harness.registry import FAMILIES
from harness.runs.exported import check_export, is_export
from harness.runs.run import CHECKPOINT
from harness.task_types.objective import Objective
from harness.tokenization.items import Features
from harness.tokenization.reading import Reader
from harness.training.forward import Forward
from harness.training.task_model import forward_of, reader_of

MICRO_BATCH_SIZE = 32


@dataclass(frozen=True)
class FittedOutputs:
    """The outputs of a simple baseline.

    Attributes:
        fitted: The fitted baseline.
    """

    fitted: Any

    def __call__(self, examples: Sequence[Any]) -> Any:
        """Compute one output per example."""
        return self.fitted.outputs(examples)

    def in_batches(self, _size: int) -> FittedOutputs:
        """Return itself: batches do not matter."""
        return self


@dataclass(frozen=True)
class ModelOutputs:
    """The outputs of a model.

    Attributes:
        loaded: The loaded model.
        reader: Tokenizes texts for it.
        forward: Runs the model.
        tells: Whether to tell the user if texts are truncated.
    """

    loaded: Loaded
    reader: Reader
    forward: Forward
    tells: bool = True

    def __call__(self, examples: Sequence[Any]) -> Any:
        """Compute one output per example."""
        features = self.features(examples)
        if self.tells and features.seen < sum(features.lengths):
            share = features.seen / sum(features.lengths)
            notice(f"{share:.1%} of the tokens are read; see strategy, max_length and max_windows of the run.")
        return self.forward.evaluate(features, examples)[1]

    def features(self, examples: Sequence[Any]) -> Features:
        """Encode the examples for the model."""
        return self.forward.objective.features(examples, self.reader)

    def in_batches(self, size: int) -> ModelOutputs:
        """Return a copy that reads `size` windows at once and is silent, for measuring."""
        return replace(self, forward=replace(self.forward, micro_batch_size=size), tells=False)


@dataclass(frozen=True)
class ReadyModel:
    """A finished run's model.

    Attributes:
        objective: The objective that it was trained with.
        calibration: What was chosen on validation after training.
        outputs: Computes the outputs for examples.
    """

    objective: Objective
    calibration: Mapping[str, float]
    outputs: FittedOutputs | ModelOutputs

    def answer(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
        """Return one row per example, as in predictions.parquet."""
        return self.objective.rows(self.outputs(examples), examples, self.calibration)

    def in_batches(self, size: int) -> ReadyModel:
        """Return a copy that reads `size` windows at once."""
        return replace(self, outputs=self.outputs.in_batches(size))


def ready_model(run: Path, record: RunRecord, config: RunConfig, settings: Strict | None = None) -> ReadyModel:
    """Load the model in the folder of a run or an export.

    Args:
        run: The folder.
        record: The record.
        config: The configuration.
        settings: Prediction options, of the task type's `predict_settings`.

    Raises:
        UserError: If there is no model, or it is not the one that was recorded.
    """
    task, labels = task_of(config), record.task_card.labels
    objective = task.type.objective(labels, config.training).recalled(record.calibration)
    if settings is not None:
        objective = task.type.predicting(objective, settings)
    family, folder = FAMILIES.load(record.family), model_folder(run, record)
    if record.simple_baseline:
        with damage_told(folder):
            fitted = family.load(folder, task_type=task.task_type, labels=labels)
        return ReadyModel(objective, record.calibration, FittedOutputs(fitted))
    loaded = finished_model(family, folder, objective.head(), labels)
    accelerator = fresh_accelerator("fp32", tracker=None, folder=folder)
    loaded.model.to(accelerator.device)
    reader = reader_of(loaded, objective, config.training)
    forward = forward_of(loaded, objective, accelerator, config.training, micro_batch_size=MICRO_BATCH_SIZE)
    return ReadyModel(objective, record.calibration, ModelOutputs(loaded, reader, forward))


def model_folder(run: Path, record: RunRecord) -> Path:
    """Return the folder of the model's files, after checking that they are those that were recorded.

    Raises:
        UserError: If there are none, or they are damaged.
    """
    if is_export(run):
        check_export(run, record)
        return run
    folder = run / CHECKPOINT
    if not folder.is_dir():
        raise UserError(f"{run}: has no checkpoint ({record.status}). Run it again.")
    check_files(run, record.files, CHECKPOINT)
    return folder
