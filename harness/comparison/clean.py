"""Scores on the test examples that nearly repeat no training example, where some do and predictions say which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.comparison.statistics import Estimate, Evidence, mean
from harness.data.splitting import REPEATS_TRAINING
from harness.metrics.metric import Unit


@dataclass(frozen=True, slots=True)
class CleanScore:
    """A model's score on the clean test examples.

    Attributes:
        examples: How many these are.
        estimate: The mean over seeds, with the interval that other scores have.
    """

    examples: int
    estimate: Estimate


def repeats_in(table: Any) -> NDArray[np.bool_] | None:
    """Which examples of predictions repeat a training one [examples]; None where that was not recorded of all."""
    if REPEATS_TRAINING not in table.column_names or table[REPEATS_TRAINING].null_count:
        return None
    return np.array(table[REPEATS_TRAINING].to_pylist(), dtype=bool)


def clean_rows(table: Any) -> Any | None:
    """The predictions of the clean examples; None where all are clean, none is, or nothing was recorded."""
    repeats = repeats_in(table)
    return None if repeats is None or repeats.all() or not repeats.any() else table.filter(~repeats)


def clean_score(
    evidence: Evidence | None, examples: int, unit: Unit, level: float, *, is_mixed: bool
) -> CleanScore | None:
    """The score on clean examples; None without evidence, without an interval where only some runs collapsed."""
    if evidence is None:
        return None
    found = mean(evidence, least=unit.least, most=unit.most, miss=level)
    return CleanScore(examples, replace(found, low=None, high=None) if is_mixed else found)


def orders(
    evidence: Mapping[str, tuple[Evidence | None, Evidence | None]], *, higher_is_better: bool
) -> tuple[list[str], list[str]]:
    """The models that have a clean score, in the order of their scores on all examples, and on the clean ones.

    Args:
        evidence: What each model's runs say on all examples, and on the clean ones.
        higher_is_better: Of the metric.
    """
    known = {model: (every, clean) for model, (every, clean) in evidence.items() if every and clean}
    found = [{model: float(pair[which].scores.mean()) for model, pair in known.items()} for which in (0, 1)]
    every, clean = (in_order(scores, higher_is_better=higher_is_better) for scores in found)
    return every, clean


def in_order(scores: Mapping[str, float], *, higher_is_better: bool) -> list[str]:
    """The names, the best score first."""
    sign = -1 if higher_is_better else 1
    return sorted(scores, key=lambda model: sign * scores[model])


def order_said(lost: int, examples: int, every: Sequence[str], clean: Sequence[str], others: Sequence[str] = ()) -> str:
    """How many test examples repeat training ones, and whether the order of the models hangs on them.

    Args:
        lost: So many do.
        examples: Of so many.
        every: The models by their scores on all examples.
        clean: The same on the clean ones.
        others: The models that have no score on these.
    """
    said = f"{lost:,} of {examples:,} test examples nearly repeat a training example."
    unknown = f" Scores without them are not known for {', '.join(others)}." if others else ""
    if len(every) < 2:
        return said + unknown
    if list(every) == list(clean):
        return f"{said} Without them, the order of {', '.join(every)} stays the same.{unknown}"
    return f"{said} Without them, the order of the scores is {', '.join(clean)}; with them {', '.join(every)}.{unknown}"
