"""What a tracker is told of the test scores of one run: the same intervals as a comparison of that run alone has."""

from __future__ import annotations

from math import inf
from pathlib import Path

import numpy as np

from harness.comparison.rescoring import rescore
from harness.comparison.statistics import SHARED_TRAINING, Evidence, mean
from harness.errors import UserError
from harness.metrics.lookup import find_metric
from harness.metrics.metric import EVALUATE
from harness.record import RunRecord

Ends = tuple[float, float]


def score_intervals(folder: Path, record: RunRecord) -> dict[str, Ends]:
    """The ends of each test score's 95 % interval for other test examples, by metric, where there is one.

    Args:
        folder: Where the run's predictions lie.
        record: The run's.
    """
    found = {name: _interval(folder, record, name) for name in record.scores.get("test", {})}
    return {name: ends for name, ends in found.items() if ends is not None}


def _interval(folder: Path, record: RunRecord, name: str) -> Ends | None:
    if name.startswith(EVALUATE):
        return None  # Nothing is known of what each example adds.
    try:
        rescored = rescore(folder, record.task_card.labels, name)
    except UserError:
        return None  # The metric says nothing of such a model, or its score is no number.
    evidence = Evidence(
        np.array([rescored.score]),
        rescored.contributions[None],
        shares=rescored.shares,
        inflation=1.0 if record.fold is None else SHARED_TRAINING,
    )
    unit = find_metric(name).unit
    found = mean(evidence, least=unit.least, most=unit.most)
    return (
        None if found.low is None or found.high is None or inf in (-found.low, found.high) else (found.low, found.high)
    )
