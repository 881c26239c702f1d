"""What a model's runs took, and what it costs in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.comparison.results import Cost
from harness.errors import collected
from harness.record import RunRecord
from harness.runs.inference_cost import InferenceCost, measured


def cost_in_use(folders: Sequence[Path]) -> tuple[InferenceCost | None, list[str]]:
    """What `harness measure` found of the first of some runs that it measured, and a line for what can't be read."""
    problems: list[str] = []
    for folder in folders:
        with collected(problems):
            found = measured(folder)
            if found is not None:
                return found, problems
    return None, problems


def cost_of(records: Sequence[RunRecord]) -> Cost | None:
    """What runs took on average; None where there is none."""
    if not records:
        return None
    costs = [record.cost for record in records]
    return Cost(
        train_seconds=_average([cost.seconds.get("train", 0.0) for cost in costs]),
        train_tokens_per_second=_average([cost.train_tokens_per_second for cost in costs]),
        peak_memory_bytes=_average([float(cost.peak_memory_bytes) for cost in costs]),
        parameters=_average([float(record.counts.parameters) for record in records]),
        training_flops=_average([cost.training_flops for cost in costs]),
        trained_parameters=_average([float(record.counts.trained_parameters or 0) for record in records]),
    )


def _average(values: Sequence[float]) -> float | None:
    """The mean; None where nothing was measured, for a record writes 0 then."""
    measured = [value for value in values if value > 0]
    return float(np.mean(measured)) if measured else None
