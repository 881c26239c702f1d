"""The test scores of one run with the intervals that a comparison of that run alone would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.comparison.rescoring import rescore
from harness.comparison.statistics import SHARED_TRAINING, Estimate, Evidence, mean
from harness.errors import UserError
from harness.metrics.lookup import find_metric
from harness.metrics.metric import EVALUATE
from harness.record import RunRecord


def score_estimates(folder: Path, record: RunRecord) -> dict[str, Estimate]:
    """Each test score by metric with its 95 % interval over test examples, if there is one.

    Args:
        folder: The folder of the run's predictions.
        record: The record of the run.
    """
    found = {name: _estimate(folder, record, name) for name in record.scores.get("test", {})}
    return {name: one for name, one in found.items() if one is not None}


def score_intervals(folder: Path, record: RunRecord) -> dict[str, tuple[float, float]]:
    """The ends of these intervals alone, as logged to a tracker."""
    found = score_estimates(folder, record)
    return {name: (one.low, one.high) for name, one in found.items() if one.low is not None and one.high is not None}


def _estimate(folder: Path, record: RunRecord, name: str) -> Estimate | None:
    if name.startswith(EVALUATE):
        return None  # Nothing is known about single examples.
    try:
        rescored = rescore(folder, record.task_card.labels, name)
    except UserError:
        return None  # The metric does not apply to the model, or its score is not finite.
    evidence = Evidence(
        np.array([rescored.score]),
        rescored.contributions[None],
        shares=rescored.shares,
        inflation=1.0 if record.fold is None else SHARED_TRAINING,
    )
    unit = find_metric(name).unit
    found = mean(evidence, least=unit.least, most=unit.most)
    return None if found.low is None else found
