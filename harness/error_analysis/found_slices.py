"""Slices of the test examples on which a model does worst, found on one half of them and tested on the other.

A slice is what one or two conditions hold for, such as a length, a label, a word that the texts have, or a value of a
column. The search is exhaustive up to two conditions, and ranks by the score of Sagadeeva and Boehm 2021, "SliceLine",
section 3: how much larger the slice's mean loss is, against how few examples it has. What was found by looking is no
evidence of itself, so each slice is tested on examples that had no part in finding it, with Holm's adjustment (1979).
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
"""How much the size of the error counts against that of the slice: SliceLine's default."""
LEAST_SHARE, LEAST_EXAMPLES = 0.02, 10
FOUND = 5
MOST_WORDS, LEAST_TEXTS = 150, 0.02
SEED = 0
_WORD = re.compile(r"[^\W\d_]{2,}")

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FoundSlice:
    """A slice that was found, and what the other half says of it.

    Attributes:
        conditions: What holds for its examples.
        found_in: How many examples it has in the half that it was found in.
        tested_on: How many in the other half.
        loss: Their mean loss there.
        elsewhere: The mean loss of the other half's other examples.
        adjusted_p: One-sided, of its loss being no larger, adjusted for the slices that were tested; None: too few.
    """

    conditions: tuple[str, ...]
    found_in: int
    tested_on: int
    loss: float
    elsewhere: float
    adjusted_p: float | None

    @property
    def is_shown(self) -> bool:
        """Whether the other half shows it to be worse."""
        return self.adjusted_p is not None and self.adjusted_p < SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds for some of the examples, and what it is a condition on."""

    name: str
    of: str
    holds: Mask


def slices_of(task: AnsweredTask, count: int = FOUND) -> dict[str, list[FoundSlice]]:
    """The slices on which each model does worst, by model."""
    conditions = conditions_of(*every_aspect(task))
    return {
        model.model: found_slices(losses_of(task, model), conditions, clusters_in(model), count)
        for model in task.models
    }


def losses_of(task: AnsweredTask, model: ModelAnswers) -> Floats:
    """How wrong each example is, the mean over seeds: 1 where it is wrong and has no other measure [examples]."""
    judged = task.task_type.wrongness
    per_seed = [
        [judged({**row, "logits": None}, model.answers.labels) for row in rows] for rows in model.answers.rows()
    ]
    return np.asarray(np.mean(per_seed, axis=0), dtype=np.float64)


def found_slices(
    losses: Floats, conditions: Sequence[Condition], clusters: NDArray[np.int64], count: int = FOUND
) -> list[FoundSlice]:
    """The slices with the largest losses by half of the examples, tested on the other half, the worst first.

    Args:
        losses: Of each example [examples].
        conditions: What slices are made of.
        clusters: The cluster of each example; none is in both halves.
        count: How many to find.
    """
    half = _half(clusters)
    chosen = list(islice(_distinct(_ranked(losses[half], conditions, half), conditions), count))
    tested = [_tested(losses, conditions, places, half=half, clusters=clusters) for places in chosen]
    return _adjusted(tested)


def conditions_of(aspects: Sequence[Aspect], texts: Sequence[str]) -> list[Condition]:
    """The parts of aspects, and the words that some of the texts have."""
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
    """Slices of one or two conditions by their score, the highest first, as far as it is above 0."""
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
    """Slices that are not mostly one of those before."""
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
    """One-sided, of the slice's mean loss being no larger than the others', by Student's t over clusters.

    The difference of two means is a sum of one contribution per cluster. Its degrees of freedom are those of the
    smaller side's clusters.
    """
    sides = (inside, ~inside)
    freedom = min(len(np.unique(clusters[side])) for side in sides) - 1
    if freedom < 4:
        return None
    from scipy.special import stdtr  # noqa: PLC0415 -- only this needs it

    means = [losses[side].mean() for side in sides]
    moved = np.where(inside, (losses - means[0]) / inside.sum(), -(losses - means[1]) / (~inside).sum())
    by_cluster = np.bincount(clusters, weights=moved)
    error = sqrt(float((by_cluster**2).sum()) * (freedom + 1) / freedom)
    gain = float(means[0] - means[1])
    if error < 1e-12:  # No example differs from the others of its side: of all ways to pick so many clusters, this one.
        return None if gain <= 0 else 1 / comb(len(np.unique(clusters)), len(np.unique(clusters[inside])))
    return float(stdtr(freedom, -gain / error))


def _adjusted(found: Sequence[FoundSlice]) -> list[FoundSlice]:
    """The slices by p-value, with Holm's adjustment; those without one last."""
    tested = sorted((one for one in found if one.adjusted_p is not None), key=lambda one: one.adjusted_p or 0.0)
    adjusted, largest = [], 0.0
    for place, one in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - place) * (one.adjusted_p or 0.0)))
        adjusted.append(replace(one, adjusted_p=largest))
    return [*adjusted, *(one for one in found if one.adjusted_p is None)]


def clusters_in(model: ModelAnswers) -> NDArray[np.int64]:
    """The cluster of each of the test examples."""
    return clusters_of(model.answers.tables[0]["group"])
