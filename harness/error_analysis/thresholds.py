"""Precision, recall and F1 of a model at other thresholds of its probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.statistics import Estimate
from harness.comparison.subsets import ratio_of
from harness.error_analysis.answered import AnsweredTask, ModelAnswers
from harness.error_analysis.breakdown import F1, PRECISION, RATIOS, RECALL
from harness.metrics.metric import PERCENT
from harness.task_types.analysed import LabelCounts

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MEASURES = (PRECISION, RECALL, F1)


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """The results at a threshold, over all labels together.

    Attributes:
        threshold: The probability above which a label is predicted.
        predicted: How often a label is predicted, the mean over seeds.
        scores: Precision, recall and F1 by name; None if the denominator is 0.
        labels: The labels that are counted.
    """

    threshold: float
    predicted: float
    scores: Mapping[str, Estimate | None]
    labels: tuple[str, ...] = ()


def at_thresholds(
    task: AnsweredTask, model: ModelAnswers, thresholds: Sequence[float] = THRESHOLDS
) -> list[AtThreshold]:
    """Compute the results at thresholds; empty if the task type or the predictions do not support them."""
    found = [_at(task, model, threshold) for threshold in thresholds]
    return [one for one in found if one is not None]


def _at(task: AnsweredTask, model: ModelAnswers, threshold: float) -> AtThreshold | None:
    answers = model.answers
    each = [task.task_type.counts_above(table, answers.labels, threshold) for table in answers.tables]
    counted = [one for one in each if one is not None]
    if len(counted) < len(each):
        return None
    scores = {name: _pooled(model, counted, name) for name in MEASURES}
    return AtThreshold(
        threshold, float(np.mean([one.predicted.sum() for one in counted])), scores, tuple(counted[0].names)
    )


def _pooled(model: ModelAnswers, counted: Sequence[LabelCounts], name: str) -> Estimate | None:
    pairs = [RATIOS[name](one) for one in counted]
    above, below = (np.stack([pair[side].sum(axis=1) for pair in pairs]) for side in (0, 1))
    return ratio_of(model.answers, above, below, PERCENT)
