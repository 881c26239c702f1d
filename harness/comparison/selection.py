"""Selection bias: the best of several models was chosen for its high score; its interval must allow for the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.comparison.claims import ScoredModel
from harness.comparison.results import BestOf
from harness.comparison.statistics import SIGNIFICANCE, mean
from harness.metrics.metric import Unit


def best_of(
    models: Mapping[str, ScoredModel], may_be_best: Sequence[str], sign: int, unit: Unit, miss: float = SIGNIFICANCE
) -> BestOf | None:
    """The best of the models that may be, with its interval; None if it has none or is the only one.

    The end that the choice flatters misses with one k-th of the usual probability (Bonferroni): then with the usual
    probability no model's end misses, so neither does that of the chosen one. The other end is as usual, since the
    choice makes it miss less often. (`python -m experiments.best_of_levels`: the coverage is 95.8 to 98.8 %, without
    this 81 to 97 %.)

    Args:
        models: Every model with a score.
        may_be_best: The models that no model is shown to be ahead of.
        sign: -1 if lower scores are better.
        unit: The unit of the metric.
        miss: The error rate of the interval.
    """
    count = len(may_be_best)
    if count < 2:
        return None
    best = models[max(may_be_best, key=lambda name: sign * models[name].evidence.scores.mean())]
    usual, wide = (mean(best.evidence, least=unit.least, most=unit.most, miss=miss / share) for share in (1, count))
    low, high = (wide.low, usual.high) if sign > 0 else (usual.low, wide.high)
    return None if low is None or high is None or best.is_mixed else BestOf(count, low, high)
