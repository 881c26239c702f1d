"""Scores of parts of the test examples: by label, or by any aspect of an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.comparison.statistics import Estimate, Floats
from harness.comparison.subsets import Answers, ratio_of, score_of
from harness.error_analysis.answered import AnsweredTask
from harness.metrics.lookup import find_metric, metric_name
from harness.metrics.metric import EVALUATE, PERCENT, Metric, Unit
from harness.task_types.analysed import Aspect, LabelCounts

ALL = "all"
RECALL, PRECISION, F1 = "recall", "precision", "F1"
RATIOS: Mapping[str, Callable[[LabelCounts], tuple[Floats, Floats]]] = {
    PRECISION: lambda counts: (counts.found, counts.predicted),
    RECALL: lambda counts: (counts.found, counts.there),
    F1: lambda counts: (2 * counts.found, counts.predicted + counts.there),
}
"""The numerators and denominators of each measure [examples, labels]."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the test examples.

    Attributes:
        name: The name of the part.
        examples: The number of its examples; for a label, how often it occurs.
        scores: The scores by model; None if there is nothing to score.
    """

    name: str
    examples: int
    scores: Mapping[str, Estimate | None]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A score of each model on each part of the test examples.

    Attributes:
        by: The name of the aspect.
        measure: The name of the score.
        unit: The unit of the score.
        parts: The parts in order.
    """

    by: str
    measure: str
    unit: Unit
    parts: tuple[Part, ...]


def by_aspect(task: AnsweredTask, aspect: Aspect, *, with_all: bool = False) -> Breakdown | None:
    """Compute the main metric on each part; None for a metric of the `evaluate` library.

    Args:
        task: The task with its models.
        aspect: The aspect that divides the examples.
        with_all: Whether to add all examples as the first part.
    """
    name = task.card.main_metric
    if name.startswith(EVALUATE):
        return None
    metric, values = find_metric(name), np.array(aspect.values, dtype=object)
    parts = [
        Part(part, int(among.sum()), {one.model: _score(task, one.answers, metric, among) for one in task.models})
        for part, among in _masks(aspect, values, with_all=with_all)
    ]
    return Breakdown(aspect.name, metric_name(name), metric.unit, tuple(parts))


def _score(task: AnsweredTask, answers: Answers, metric: Metric, among: Any) -> Estimate | None:
    """Compute the metric on some examples; None for a ratio such as F1 if no label occurs or is predicted."""
    if metric.per_example is None:
        counted = label_counts(task, answers)
        if counted and not any((one.there + one.predicted)[among].any() for one in counted):
            return None
    return score_of(answers, metric, among)


def _masks(aspect: Aspect, values: Any, *, with_all: bool) -> Iterator[tuple[str, Any]]:
    if with_all:
        yield ALL, np.ones(len(values), dtype=bool)
    yield from ((part, values == part) for part in aspect.parts)


def measures_for(task: AnsweredTask) -> tuple[str, ...]:
    """Return the measures to show for each label: all three for one model, one for several."""
    return tuple(RATIOS) if len(task.models) == 1 else (F1,)


def by_label(task: AnsweredTask, measure: str = F1) -> Breakdown | None:
    """Compute recall, precision or F1 of each label, the most frequent first; None for a task type without labels."""
    counted = {model.model: label_counts(task, model.answers) for model in task.models}
    if any(not counts for counts in counted.values()):
        return None
    there: dict[str, int] = {}
    for counts in counted.values():
        for column, name in enumerate(counts[0].names):
            there.setdefault(name, int(counts[0].there[:, column].sum()))
    scores = {model.model: _label_scores(model.answers, counted[model.model], RATIOS[measure]) for model in task.models}
    parts = [
        Part(name, count, {model: found.get(name) for model, found in scores.items()})
        for name, count in sorted(there.items(), key=lambda pair: -pair[1])
    ]
    return Breakdown("label", measure, PERCENT, tuple(parts))


def label_counts(task: AnsweredTask, answers: Answers) -> list[LabelCounts]:
    """Return the label counts of each seed; empty for a task type without labels."""
    found = [task.task_type.label_counts(table, answers.labels) for table in answers.tables]
    return [counts for counts in found if counts is not None]


def confusions(task: AnsweredTask, answers: Answers) -> dict[tuple[str, str], float]:
    """Return how often each label was predicted for another one, the mean over seeds, the most frequent first."""
    totals: dict[tuple[str, str], float] = {}
    for table in answers.tables:
        found = task.task_type.confusions(table, answers.labels)
        if found is None:
            return {}
        names, counts = found
        for row, column in np.argwhere(counts > 0).tolist():
            key = (names[row], names[column])
            totals[key] = totals.get(key, 0.0) + float(counts[row, column]) / len(answers.tables)
    return dict(sorted(totals.items(), key=lambda pair: -pair[1]))


def _label_scores(
    answers: Answers, counted: list[LabelCounts], pair: Callable[[LabelCounts], tuple[Floats, Floats]]
) -> dict[str, Estimate | None]:
    """Compute each label's score; None for a label that some seed neither saw nor predicted."""
    ratios = [dict(zip(one.names, zip(*(part.T for part in pair(one)), strict=True), strict=True)) for one in counted]
    nothing = (np.zeros(answers.count), np.zeros(answers.count))
    names = dict.fromkeys(name for one in counted for name in one.names)
    found = {}
    for name in names:
        above, below = zip(*(ratio.get(name, nothing) for ratio in ratios), strict=True)
        found[name] = ratio_of(answers, np.stack(above), np.stack(below), PERCENT)
    return found
