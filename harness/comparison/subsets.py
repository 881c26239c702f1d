"""Scores of some of the test examples, and of single labels, with the intervals that the report's scores have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.comparison.rescoring import LARGEST, by_cluster, clusters_of, scored_table, shares_of
from harness.comparison.statistics import SHARED_TRAINING, Estimate, Evidence, mean
from harness.metrics.influence import ratio
from harness.metrics.metric import EVALUATE, Floats, Metric, Unit

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the runs of one model answered to the same test examples.

    Attributes:
        tables: The predictions of each seed, as arrow tables.
        labels: The label names in their order.
        is_deterministic: Whether any other seed would have answered the same.
        has_folds: Whether each table is a cross-validation's.
        is_mixed: Whether some seeds gave one answer to all examples and others did not, so that no mean of theirs has
            an interval, as in a comparison.
    """

    tables: tuple[Any, ...]
    labels: tuple[str, ...]
    is_deterministic: bool = False
    has_folds: bool = False
    is_mixed: bool = False

    @property
    def count(self) -> int:
        """How many examples there are."""
        return int(self.tables[0].num_rows)

    def column(self, name: str) -> list[Any]:
        """What all seeds have in common, such as the references [examples]; nothing where it is not there."""
        first = self.tables[0]
        return first[name].to_pylist() if name in first.column_names else []

    def rows(self) -> list[list[dict[str, Any]]]:
        """The rows of predictions of each seed."""
        return [table.to_pylist() for table in self.tables]


def score_of(answers: Answers, metric: Metric, among: Mask | None = None) -> Estimate | None:
    """The metric of some examples, the mean over seeds; None where it says nothing of them.

    Args:
        answers: What was answered.
        metric: None of the `evaluate` library's, of which nothing is known of single examples.
        among: Which examples [examples]; default: all.
    """
    evidence = evidence_of(answers, metric, among)
    return None if evidence is None else mean_of(answers, evidence, metric.unit)


def evidence_of(answers: Answers, metric: Metric, among: Mask | None = None) -> Evidence | None:
    """What the runs say of the metric of some examples; None likewise."""
    if metric.name.startswith(EVALUATE) or (among is not None and not among.any()):
        return None
    tables = answers.tables if among is None else tuple(table.filter(among) for table in answers.tables)
    clusters = clusters_of(tables[0]["group"])
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # What is no number is told by None.
        scored = [scored_table(table, answers.labels, metric, clusters) for table in tables]
    scores, contributions = np.array([one[0] for one in scored]), np.stack([one[1] for one in scored])
    return _evidence(answers, scores, contributions, scored[0][2])


def ratio_of(answers: Answers, numerators: Floats, denominators: Floats, unit: Unit) -> Estimate | None:
    """A ratio of sums over the examples, the mean over seeds; None where nothing is to be divided.

    Only the examples that have a part in it count, such as those with a label, of its recall.

    Args:
        answers: What was answered.
        numerators: Of each seed and example [seeds, examples].
        denominators: The same.
        unit: Of the ratio.
    """
    among = (denominators > 0).any(axis=0)
    if not (denominators.sum(axis=1) > 0).all():
        return None
    clusters = clusters_of(answers.tables[0].filter(among)["group"])
    pairs = [
        ratio(above[among, None], below[among, None]) for above, below in zip(numerators, denominators, strict=True)
    ]
    scores = np.array([score[0] for score, _ in pairs])
    contributions = np.stack([by_cluster(influences[:, 0], clusters) for _, influences in pairs])
    evidence = _evidence(answers, scores, contributions, shares_of(clusters))
    return None if evidence is None else mean_of(answers, evidence, unit)


def mean_of(answers: Answers, evidence: Evidence, unit: Unit) -> Estimate:
    """The mean over seeds of a score of the answers; without an interval where they are mixed.

    Args:
        answers: What was answered.
        evidence: What it says of a score.
        unit: Of the score, by whose bounds the interval is one inside them.
    """
    found = mean(evidence, least=unit.least, most=unit.most)
    return replace(found, low=None, high=None) if answers.is_mixed else found


def _evidence(answers: Answers, scores: Floats, contributions: Floats, shares: Floats) -> Evidence | None:
    """None where a score is no number."""
    if not (np.all(np.abs(scores) <= LARGEST) and np.all(np.abs(contributions) <= LARGEST)):
        return None
    return Evidence(
        scores,
        contributions,
        deterministic=answers.is_deterministic,
        shares=shares,
        inflation=SHARED_TRAINING if answers.has_folds else 1.0,
    )
