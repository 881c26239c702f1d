"""Find slices of the test examples on which a model is worst, on one half, and test them on the other half.

A slice is defined by one or two conditions, such as a length, a label, a word in the texts, or a value of a column. The
search is exhaustive up to two conditions, and ranks by the score of Sagadeeva and Boehm 2021, "SliceLine", section 3:
how much larger the slice's mean loss is, against how few examples it has. The loss of a selected slice is biased, so
each is tested on examples that were not used to find it, with Holm's adjustment (1979).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from harness.comparison.rescoring import clusters_of
from harness.comparison.statistics import SIGNIFICANCE, Floats
from harness.error_analysis.answered import AnsweredTask, ModelAnswers
from harness.error_analysis.aspects import every_aspect
from harness.task_types.analysed import Aspect

ALPHA = 0.95
"""The weight of the slice's error against its size: SliceLine's default."""
LEAST_SHARE, LEAST_EXAMPLES = 0.02, 10
FOUND = 5
MOST_WORDS, LEAST_TEXTS = 150, 0.02
SEED = 0
_WORD = re.compile(r"[^\W\d_]{2,}")

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FoundSlice:
    """A slice, and its test on the other half.

    Attributes:
        conditions: The conditions of its examples.
        found_in: The number of its examples in the half that was searched.
        tested_on: The number of its examples in the other half.
        loss: The mean loss of its examples in the other half.
        elsewhere: The mean loss of the remaining examples of the other half.
        adjusted_p: The one-sided p-value of the hypothesis that its loss is not larger, adjusted for the tested slices;
            None if there are too few examples.
    """

    conditions: tuple[str, ...]
    found_in: int
    tested_on: int
    loss: float
    elsewhere: float
    adjusted_p: float | None

    @property
    def is_shown(self) -> bool:
        """Whether the slice is significantly worse in the other half."""
        return self.adjusted_p is not None and self.adjusted_p < SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that some of the examples meet, and what it is about."""

    name: str
    of: str
    holds: Mask


def slices_of(task: AnsweredTask) -> dict[str, list[FoundSlice]]:
    """Find the slices on which each model is worst, by model."""
    conditions, clusters = conditions_of(*every_aspect(task)), clusters_of(task.first.tables[0]["group"])
    return {model.model: found_slices(losses_of(task, model), conditions, clusters) for model in task.models}


def losses_of(task: AnsweredTask, model: ModelAnswers) -> Floats:
    """Return the loss of each example, the mean over seeds [examples]; 1 if it is wrong and has no other measure."""
    judged = task.task_type.wrongness
    per_seed = [
        [judged({**row, "logits": None}, model.answers.labels) for row in table.to_pylist()]
        for table in model.answers.tables
    ]
    return np.asarray(np.mean(per_seed, axis=0), dtype=np.float64)


def found_slices(losses: Floats, conditions: Sequence[Condition], clusters: NDArray[np.int64]) -> list[FoundSlice]:
    """Find the slices with the largest losses in half of the examples, and test them on the other half, worst first.

    Args:
        losses: The loss of each example [examples].
        conditions: The conditions that define slices.
        clusters: The cluster of each example; no cluster is in both halves.
    """
    half = _half(clusters)
    chosen = list(islice(_distinct(_ranked(losses[half], conditions, half), conditions), FOUND))
    tested = [_tested(losses, conditions, places, half=half, clusters=clusters) for places in chosen]
    return _adjusted(tested)


def conditions_of(aspects: Sequence[Aspect], texts: Sequence[str]) -> list[Condition]:
    """Return conditions for the parts of aspects, and for words that occur in some of the texts."""
    found = [
        Condition(f"{aspect.name}: {part}", aspect.name, np.array([value == part for value in aspect.values]))
        for aspect in aspects
        for part in aspect.parts
    ]
    return [*found, *_words(texts)]


def _words(texts: Sequence[str]) -> Iterator[Condition]:
    words = [set(_WORD.findall(text.casefold())) for text in texts]
    counts = Counter(word for each in words for word in each)
    shown = [word for word, count in counts.most_common() if LEAST_TEXTS <= count / len(texts) <= 0.5]
    for word in shown[:MOST_WORDS]:
        yield Condition(f"has “{word}”", f"word {word}", np.array([word in each for each in words]))


def _half(clusters: NDArray[np.int64]) -> Mask:
    chosen = np.random.default_rng(SEED).permutation(int(clusters.max()) + 1) % 2 == 0
    return np.asarray(chosen[clusters])


def _ranked(losses: Floats, conditions: Sequence[Condition], half: Mask) -> list[tuple[int, ...]]:
    """Return slices of one or two conditions with a positive score, the highest first."""
    if not conditions or not losses.sum():
        return []
    holds = np.stack([one.holds[half] for one in conditions]).astype(np.float64)
    sizes, errors = holds @ holds.T, (holds * losses) @ holds.T
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = ALPHA * (errors / sizes / losses.mean() - 1) - (1 - ALPHA) * (len(losses) / sizes - 1)
    scores[sizes < max(LEAST_EXAMPLES, LEAST_SHARE * len(losses))] = -np.inf
    of = np.array([one.of for one in conditions])
    scores[(of[:, None] == of) & ~np.eye(len(of), dtype=bool)] = -np.inf
    one, other = np.triu_indices(len(conditions))
    order = np.argsort(-scores[one, other], kind="stable")
    pairs = ((int(one[place]), int(other[place])) for place in order if scores[one[place], other[place]] > 0)
    return [(first,) if first == second else (first, second) for first, second in pairs]


def _distinct(ranked: Sequence[tuple[int, ...]], conditions: Sequence[Condition]) -> Iterator[tuple[int, ...]]:
    """Yield slices that do not mostly overlap with an earlier one."""
    kept: list[Mask] = []
    for places in ranked:
        mask = _mask(conditions, places)
        if all((mask & other).sum() < 0.5 * min(mask.sum(), other.sum()) for other in kept):
            kept.append(mask)
            yield places


def _mask(conditions: Sequence[Condition], places: Sequence[int]) -> Mask:
    return np.asarray(np.logical_and.reduce([conditions[place].holds for place in places]))


def _tested(
    losses: Floats, conditions: Sequence[Condition], places: Sequence[int], *, half: Mask, clusters: NDArray[np.int64]
) -> FoundSlice:
    inside = _mask(conditions, places)
    among, others = inside & ~half, ~inside & ~half
    loss, elsewhere = (float(losses[part].mean()) if part.any() else 0.0 for part in (among, others))
    return FoundSlice(
        tuple(conditions[place].name for place in places),
        int((inside & half).sum()),
        int(among.sum()),
        loss,
        elsewhere,
        _p_value(losses[~half], inside[~half], np.unique(clusters[~half], return_inverse=True)[1]),
    )


def _p_value(losses: Floats, inside: Mask, clusters: NDArray[np.int64]) -> float | None:
    """Compute the one-sided p-value that the slice's mean loss is not larger, by Student's t over clusters.

    The difference of two means is a sum of one contribution per cluster. The degrees of freedom are those of the side
    with fewer clusters.
    """
    sides = (inside, ~inside)
    freedom = min(len(np.unique(clusters[side])) for side in sides) - 1
    if freedom < 4:
        return None
    from scipy.special import stdtr  # noqa: PLC0415 -- only needed here

    means = [losses[side].mean() for side in sides]
    moved = np.where(inside, (losses - means[0]) / inside.sum(), -(losses - means[1]) / (~inside).sum())
    by_cluster = np.bincount(clusters, weights=moved)
    error = sqrt(float((by_cluster**2).sum()) * (freedom + 1) / freedom)
    gain = float(means[0] - means[1])
    if error < 1e-12:  # All losses are equal within each side: the p-value of this choice of clusters among all.
        return None if gain <= 0 else 1 / comb(len(np.unique(clusters)), len(np.unique(clusters[inside])))
    return float(stdtr(freedom, -gain / error))


def _adjusted(found: Sequence[FoundSlice]) -> list[FoundSlice]:
    """Return the slices by p-value, with Holm's adjustment. Those without one come last."""
    tested = sorted((one for one in found if one.adjusted_p is not None), key=lambda one: one.adjusted_p or 0.0)
    adjusted, largest = [], 0.0
    for place, one in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - place) * (one.adjusted_p or 0.0)))
        adjusted.append(replace(one, adjusted_p=largest))
    return [*adjusted, *(one for one in found if one.adjusted_p is None)]
