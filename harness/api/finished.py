"""Runs that were recorded, as Python sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checksums import check_files
from harness.errors import UserError, notice
from harness.record import PREDICTIONS, RunRecord, Status
from harness.records import some_records
from harness.runs.run import CHECKPOINT


@dataclass(frozen=True, slots=True, repr=False)
class FinishedRun:
    """One run: a model, fine-tuned on a task with a seed, and what it left behind.

    Attributes:
        folder: `runs/<suite>/<task>/<model>/seed-<N>`, in cross-validation `seed-<N>-fold-<K>`, with the record, the
            predictions and the checkpoint.
        record: All that is known of it; see `harness.record.RunRecord`.
    """

    folder: Path
    record: RunRecord

    @property
    def suite(self) -> str:
        """The suite that it belongs to; "single" outside any."""
        return self.record.suite

    @property
    def task(self) -> str:
        """The task's name."""
        return self.record.task

    @property
    def model(self) -> str:
        """The model's name."""
        return self.record.model

    @property
    def seed(self) -> int:
        """Of the new layers, the order of the data and the dropout."""
        return self.record.seed

    @property
    def fold(self) -> int | None:
        """In cross-validation, the number of the fold that it was tested on, from 1."""
        return None if self.record.fold is None else self.record.fold.number

    @property
    def status(self) -> Status:
        """Whether it is "complete", "diverged" (a result in itself) or "failed" (tried again by the next call)."""
        return self.record.status

    @property
    def reason(self) -> str:
        """Why it diverged or failed; else empty."""
        return self.record.reason

    @property
    def metric(self) -> str:
        """The task's main metric."""
        return self.record.task_card.main_metric

    @property
    def scores(self) -> dict[str, float]:
        """Test scores by metric, in their natural unit (accuracy in 0..1); none where the run is not complete."""
        return dict(self.record.scores.get("test", {}))

    @property
    def validation_scores(self) -> dict[str, float]:
        """The same of the validation split, which chose the weights."""
        return dict(self.record.scores.get("validation", {}))

    @property
    def score(self) -> float | None:
        """The test score in the main metric; None where there is none."""
        return self.scores.get(self.metric)

    @property
    def seconds(self) -> float:
        """What it took in all."""
        return math.fsum(self.record.cost.seconds.values())

    @property
    def checkpoint(self) -> Path:
        """Its model: a stock Hugging Face folder, which `from_pretrained` loads; a simple baseline's is our own.

        Raises:
            UserError: It left none, since it is not complete.
        """
        folder = self.folder / CHECKPOINT
        if not folder.is_dir():
            raise UserError(f"{self.folder}: has no checkpoint ({self.status}). Run it again.")
        return folder

    def predictions(self) -> list[dict[str, Any]]:
        """One row per test example, in the split's order: `id`, `reference`, `prediction`, and what the task type adds.

        They are read from the disk each time.

        Raises:
            UserError: There are none, they can't be read, or are not those that were recorded.
        """
        import pyarrow  # noqa: PLC0415 -- reading records needs no arrow
        from pyarrow import parquet  # noqa: PLC0415 -- as above

        file = self.folder / PREDICTIONS
        check_files(self.folder, self.record.files, PREDICTIONS)
        try:
            with parquet.ParquetFile(file) as opened:
                rows: list[dict[str, Any]] = opened.read().to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{file}: no readable predictions ({reason}). Run it again.") from error
        return rows

    def __repr__(self) -> str:
        result = self.status if self.score is None else f"{self.metric} {self.score:.4f}"
        return f"FinishedRun({self.task} · {self.model} · {self.record.which}: {result})"


def load_runs(folder: str | Path = "runs") -> list[FinishedRun]:
    """Every recorded run below `folder`, such as "runs" or "runs/reviews", in a stable order.

    A record that can't be read is left out, and named on the standard error.

    Raises:
        UserError: There is no record that can be read.
    """
    found, problems = some_records(Path(folder))
    for line in problems:
        notice(line)
    return [FinishedRun(folder, record) for folder, record in found]


def run_folder(run: FinishedRun | str | Path) -> Path:
    """The folder of a run that is given as such, or by its folder."""
    return run.folder if isinstance(run, FinishedRun) else Path(run)
