"""Recorded runs as Python objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from harness.checksums import check_files
from harness.comparison.predictions import read_predictions
from harness.errors import UserError, notice
from harness.record import PREDICTIONS, RunRecord, Status
from harness.records import some_records
from harness.runs.run import CHECKPOINT


@dataclass(frozen=True, slots=True, repr=False)
class FinishedRun:
    """A recorded run: a model fine-tuned on a task with one seed.

    Attributes:
        folder: The folder with the record, the predictions and the checkpoint: `runs/<suite>/<task>/<model>/seed-<N>`,
            or `seed-<N>-fold-<K>` in cross-validation.
        record: The complete record; see `harness.record.RunRecord`.
    """

    folder: Path
    record: RunRecord

    @property
    def suite(self) -> str:
        """The suite that the run belongs to, or "single"."""
        return self.record.suite

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.record.task

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.record.model

    @property
    def seed(self) -> int:
        """The random seed of new layers, data order and dropout."""
        return self.record.seed

    @property
    def fold(self) -> int | None:
        """The test fold in cross-validation, counted from 1, or None."""
        return None if self.record.fold is None else self.record.fold.number

    @property
    def status(self) -> Status:
        """One of "complete", "diverged" (which counts as a result) and "failed" (which the next call tries again)."""
        return self.record.status

    @property
    def reason(self) -> str:
        """Why the run diverged or failed; empty if it is complete."""
        return self.record.reason

    @property
    def metric(self) -> str:
        """The main metric of the task."""
        return self.record.task_card.main_metric

    @property
    def scores(self) -> dict[str, float]:
        """Test scores by metric in their natural unit (accuracy: 0 to 1); empty if the run is not complete."""
        return dict(self.record.scores.get("test", {}))

    @property
    def validation_scores(self) -> dict[str, float]:
        """Validation scores by metric of the weights that were kept."""
        return dict(self.record.scores.get("validation", {}))

    @property
    def score(self) -> float | None:
        """The test score in the main metric, or None."""
        return self.scores.get(self.metric)

    @property
    def seconds(self) -> float:
        """The wall time of the whole run in seconds."""
        return math.fsum(self.record.cost.seconds.values())

    @property
    def checkpoint(self) -> Path:
        """The folder of the trained model, which `from_pretrained` loads; simple baselines have their own format.

        Raises:
            UserError: If there is none, because the run is not complete.
        """
        folder = self.folder / CHECKPOINT
        if not folder.is_dir():
            raise UserError(f"{self.folder}: has no checkpoint ({self.status}). Run it again.")
        return folder

    def predictions(self) -> list[dict[str, Any]]:
        """Read the test predictions from disk, one row per example in the order of the split.

        Each row has `id`, `reference`, `prediction` and the columns that the task type adds.

        Raises:
            UserError: If there are none, or if the file is damaged or is not the one that was recorded.
        """
        check_files(self.folder, self.record.files, PREDICTIONS)
        rows: list[dict[str, Any]] = read_predictions([self.folder], None).to_pylist()
        return rows

    def worst(self, count: int = 20) -> list[dict[str, Any]]:
        """Return the test examples that the run gets most wrong, worst first.

        Last come those that it gets right, but without certainty; none that are entirely right. Each has `id`, `group`,
        `length` in tokens, `reference`, `prediction`, `wrongness` (by the task type) and `texts`, which is None if the
        data is gone or has changed.

        Args:
            count: The largest number of examples.

        Raises:
            UserError: If there are no predictions, or they are damaged.
        """
        from harness.runs.mistakes import worst  # noqa: PLC0415 -- reads the data

        if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
            raise UserError(f"worst: must be a whole number of examples, 1 or more (got {count!r}).")
        return worst(self.folder, int(count))

    def __repr__(self) -> str:
        result = self.status if self.score is None else f"{self.metric} {self.score:.4f}"
        return f"FinishedRun({self.task} · {self.model} · {self.record.which}: {result})"


def load_runs(folder: str | Path = "runs") -> list[FinishedRun]:
    """Load every recorded run below `folder`, such as "runs" or "runs/reviews", in a stable order.

    Records that cannot be read are skipped with a line on standard error.

    Raises:
        UserError: If there is no readable record.
    """
    found, problems = some_records(Path(folder))
    for line in problems:
        notice(line)
    return [FinishedRun(folder, record) for folder, record in found]


def run_folder(run: FinishedRun | str | Path) -> Path:
    """Return the folder of a run that is given as an object or by its folder.

    Raises:
        UserError: If it is neither.
    """
    if not isinstance(run, FinishedRun | str | Path):
        raise UserError(f"run: must be one run, or its folder (got {run!r:.80}). Of a list, take one: runs[0].")
    return run.folder if isinstance(run, FinishedRun) else Path(run)
