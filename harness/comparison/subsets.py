"""Scores of subsets of the test examples and of single labels, with the same intervals as in the report."""

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
    """The answers of a model's runs to the same test examples.

    Attributes:
        tables: The predictions of each seed as Arrow tables.
        labels: The label names in order.
        is_deterministic: Whether any other seed would give the same answers.
        has_folds: Whether each table is that of a cross-validation.
        is_mixed: Whether only some seeds collapsed, so that their mean has no interval, as in a comparison.
    """

    tables: tuple[Any, ...]
    labels: tuple[str, ...]
    is_deterministic: bool = False
    has_folds: bool = False
    is_mixed: bool = False

    @property
    def count(self) -> int:
        """Number of examples."""
        return int(self.tables[0].num_rows)

    def column(self, name: str) -> list[Any]:
        """A column that all seeds share, such as the references [examples]; empty if it does not exist."""
        first = self.tables[0]
        return first[name].to_pylist() if name in first.column_names else []


def score_of(answers: Answers, metric: Metric, among: Mask | None = None) -> Estimate | None:
    """The metric on some examples, averaged over seeds; None if it does not apply to them.

    Args:
        answers: The answers.
        metric: The metric; None is returned for those of the `evaluate` library, which have no values per example.
        among: Mask of the examples to use [examples]; default: all.
    """
    evidence = evidence_of(answers, metric, among)
    return None if evidence is None else mean_of(answers, evidence, metric.unit)


def evidence_of(answers: Answers, metric: Metric, among: Mask | None = None) -> Evidence | None:
    """The evidence for the metric on some examples; None in the same cases."""
    if metric.name.startswith(EVALUATE) or (among is not None and not among.any()):
        return None
    tables = answers.tables if among is None else tuple(table.filter(among) for table in answers.tables)
    clusters = clusters_of(tables[0]["group"])
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # Non-finite scores become None.
        scored = [scored_table(table, answers.labels, metric, clusters) for table in tables]
    scores, contributions = np.array([one[0] for one in scored]), np.stack([one[1] for one in scored])
    return _evidence(answers, scores, contributions, scored[0][2])


def ratio_of(answers: Answers, numerators: Floats, denominators: Floats, unit: Unit) -> Estimate | None:
    """A ratio of sums over examples, averaged over seeds; None if the denominator of any seed is zero.

    Only the examples that take part in it count, such as those with the label, for its recall.

    Args:
        answers: The answers.
        numerators: The numerators [seeds, examples].
        denominators: The denominators [seeds, examples].
        unit: The unit of the ratio.
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
    """The mean score over seeds; without an interval if the answers are mixed.

    Args:
        answers: The answers.
        evidence: The evidence for a score.
        unit: The unit of the score, whose bounds contain the interval.
    """
    found = mean(evidence, least=unit.least, most=unit.most)
    return replace(found, low=None, high=None) if answers.is_mixed else found


def _evidence(answers: Answers, scores: Floats, contributions: Floats, shares: Floats) -> Evidence | None:
    """The evidence; None if a score is not finite."""
    if not (np.all(np.abs(scores) <= LARGEST) and np.all(np.abs(contributions) <= LARGEST)):
        return None
    return Evidence(
        scores,
        contributions,
        deterministic=answers.is_deterministic,
        shares=shares,
        inflation=SHARED_TRAINING if answers.has_folds else 1.0,
    )
