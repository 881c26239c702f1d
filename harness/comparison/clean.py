"""Scores on the test examples that do not nearly repeat a training example."""

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
    """The score of a model on the clean test examples.

    Attributes:
        examples: Number of clean examples.
        estimate: The mean over seeds, with its interval.
    """

    examples: int
    estimate: Estimate


def repeats_in(table: Any) -> NDArray[np.bool_] | None:
    """Which examples repeat a training example [examples]; None unless recorded for all of them."""
    if REPEATS_TRAINING not in table.column_names or table[REPEATS_TRAINING].null_count:
        return None
    return np.array(table[REPEATS_TRAINING].to_pylist(), dtype=bool)


def clean_rows(table: Any) -> Any | None:
    """The predictions of the clean examples; None if all or none are clean, or it was not recorded."""
    repeats = repeats_in(table)
    return None if repeats is None or repeats.all() or not repeats.any() else table.filter(~repeats)


def clean_score(
    evidence: Evidence | None, examples: int, unit: Unit, level: float, *, is_mixed: bool
) -> CleanScore | None:
    """The score on clean examples, without an interval if only some runs collapsed; None without evidence."""
    if evidence is None:
        return None
    found = mean(evidence, least=unit.least, most=unit.most, miss=level)
    return CleanScore(examples, replace(found, low=None, high=None) if is_mixed else found)


def orders(
    evidence: Mapping[str, tuple[Evidence | None, Evidence | None]], *, higher_is_better: bool
) -> tuple[list[str], list[str]]:
    """Order the models that have a clean score, by their scores on all examples and on the clean ones.

    Args:
        evidence: The evidence of each model on all examples and on the clean ones.
        higher_is_better: Whether higher scores are better.
    """
    known = {model: (every, clean) for model, (every, clean) in evidence.items() if every and clean}
    found = [{model: float(pair[which].scores.mean()) for model, pair in known.items()} for which in (0, 1)]
    every, clean = (in_order(scores, higher_is_better=higher_is_better) for scores in found)
    return every, clean


def in_order(scores: Mapping[str, float], *, higher_is_better: bool) -> list[str]:
    """The names, best score first."""
    sign = -1 if higher_is_better else 1
    return sorted(scores, key=lambda model: sign * scores[model])


def order_said(lost: int, examples: int, every: Sequence[str], clean: Sequence[str], others: Sequence[str] = ()) -> str:
    """Say how many test examples repeat training examples, and whether the order of the models depends on them.

    Args:
        lost: Number of test examples that repeat one.
        examples: Number of test examples.
        every: The models ordered by their scores on all examples.
        clean: The models ordered by their scores on the clean ones.
        others: The models without a score on the clean examples.
    """
    said = f"{lost:,} of {examples:,} test examples nearly repeat a training example."
    unknown = f" Scores without them are not known for {', '.join(others)}." if others else ""
    if len(every) < 2:
        return said + unknown
    if list(every) == list(clean):
        return f"{said} Without them, the order of {', '.join(every)} stays the same.{unknown}"
    return f"{said} Without them, the order of the scores is {', '.join(clean)}; with them {', '.join(every)}.{unknown}"
