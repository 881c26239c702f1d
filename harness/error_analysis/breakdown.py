"""Scores of parts of the test examples: by label, and by any aspect of an example."""

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
"""What each measure divides by what [examples, labels]."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the test examples.

    Attributes:
        name: Which.
        examples: How many are in it; of a label, how often it is there.
        scores: By model; None where there is nothing to score.
    """

    name: str
    examples: int
    scores: Mapping[str, Estimate | None]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A score of each model on each part of the test examples.

    Attributes:
        by: What parts them.
        measure: The score's name.
        unit: How it is shown.
        parts: In order.
    """

    by: str
    measure: str
    unit: Unit
    parts: tuple[Part, ...]


def by_aspect(task: AnsweredTask, aspect: Aspect, *, with_all: bool = False) -> Breakdown | None:
    """The main metric on the examples of each part; None of a metric that is somebody's script.

    Args:
        task: The models.
        aspect: What parts the examples.
        with_all: Whether all examples are a part of their own, the first one.
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
    """The metric of some examples; None of a ratio, such as an F1, where no label is there and none is predicted."""
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
    """What is told of each label: of one model all three, of several one."""
    return tuple(RATIOS) if len(task.models) == 1 else (F1,)


def by_label(task: AnsweredTask, measure: str = F1) -> Breakdown | None:
    """Recall, precision or F1 of each label, the most frequent first; None of a task type without labels."""
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
    """What each seed decided about the labels; nothing of a task type without labels."""
    found = [task.task_type.label_counts(table, answers.labels) for table in answers.tables]
    return [counts for counts in found if counts is not None]


def confusions(task: AnsweredTask, answers: Answers) -> dict[tuple[str, str], float]:
    """How often each label was taken for each other one, the mean over seeds, the most frequent first."""
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
    """Each label's score; a label that some seed neither saw nor predicted has none."""
    ratios = [dict(zip(one.names, zip(*(part.T for part in pair(one)), strict=True), strict=True)) for one in counted]
    nothing = (np.zeros(answers.count), np.zeros(answers.count))
    names = dict.fromkeys(name for one in counted for name in one.names)
    found = {}
    for name in names:
        above, below = zip(*(ratio.get(name, nothing) for ratio in ratios), strict=True)
        found[name] = ratio_of(answers, np.stack(above), np.stack(below), PERCENT)
    return found
