"""A short run on a generated task, and how far the answers of plain transformers are from those of the run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, SupportsFloat

import pyarrow.parquet as parquet

from experiments.auto_classes.tasks import Answer, Studied
from harness.config.model import ModelConfig
from harness.config.run import LocalData
from harness.config.training import Training
from harness.errors import UserError
from harness.models.padding import UNPADDED
from harness.record import RECORD, read_record
from harness.registry import family_names_by_model_type
from harness.runs.execution import Options, execute
from harness.suites.expansion import single_runs

TOLERANCE = 1e-4  # of a probability, a score or nats
SHORT = {"batch_size": 8, "learning_rate": 1e-3, "maximum_steps": 3, "evaluations_per_epoch": 1, "max_length": 64}


def fine_tuned(model_type: str, checkpoint: Path, studied: Studied, folder: Path) -> Path:
    """The folder of a short run on made-up rows.

    Raises:
        UserError: The model is refused, or its loss is not finite.
    """
    data = LocalData(**studied.write_rows(folder), **studied.data)
    model = ModelConfig(family=family_names_by_model_type().get(model_type, "auto"), checkpoint=str(checkpoint))
    recipe = Training(**{**SHORT, **studied.recipe})
    (run,) = single_runs("own", data, {model_type: (model, recipe)}, seeds=[0], runs=folder / "runs")
    record = execute(run, Options(), Silent())
    if record.status != "complete":
        raise UserError(record.reason)
    return Path(run.folder)


def compared(run: Path, studied: Studied, folder: Path) -> dict[str, Any]:
    """How far plain transformers' answers are from the run's, alone and in batches of eight.

    A model whose outputs depend on padding has other ones in batches, and is held to what it says of single texts.
    """
    wanted = [studied.ours(row) for row in parquet.read_table(run / "predictions.parquet").to_pylist()]
    rows = [json.loads(line) for line in (folder / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    differences = {
        f"batch_{size}": max(
            _difference(*pair) for pair in zip(studied.theirs(run / "checkpoint", rows, size), wanted, strict=True)
        )
        for size in (1, 8)
    }
    unpadded = UNPADDED in read_record(run / RECORD).notes
    held_to = [differences["batch_1"]] if unpadded else differences.values()
    equal = "equal unpadded" if unpadded else "equal"
    result = equal if max(held_to) <= TOLERANCE else "differs"
    return {"result": result, **differences, "spread": spread(wanted)}


def _difference(theirs: Answer, ours: Answer) -> float:
    return max(abs(theirs.get(name, 0.0) - ours.get(name, 0.0)) for name in {*theirs, *ours})


def spread(answers: Sequence[Answer]) -> float:
    """By how much answers of one sort differ at most: nothing would tell a model that reads nothing from another."""
    names = {name for answer in answers for name in answer}
    values = [[answer[name] for answer in answers if name in answer] for name in names]
    return max(max(of_name) - min(of_name) for of_name in values)


class Silent:
    """Callbacks that say nothing."""

    def on_step(self, step: int, steps: int, *, loss: SupportsFloat, items: int) -> None:
        """Nothing."""

    def on_evaluate(self, point: Any) -> None:
        """Nothing."""
