"""Power: the smallest difference that a plan detects, before anything runs.

It is the half width of the interval of a difference (`harness.comparison.statistics`), at the level of the task's
family of comparisons, plus the distance needed to lie beyond it with the wanted power:

    sqrt(t(n - 1)^2 Ve / n + t(k (S - 1))^2 k Vs / S) + z(power) sqrt(Ve / n + k Vs / S)

with n test examples and S seeds for each of the k models of the pair that have seeds, Ve the variance that an example
adds to the difference, and Vs that which a seed adds to a score. For a nominal 80 %, simulation gave 75 to 86 % with
small seed effects, and 94 to 97 % with large ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from math import ceil, inf, isfinite, sqrt

import numpy as np

from harness.comparison.analysis import ModelRuns
from harness.comparison.multiplicity import SOLE_BEST, family_error
from harness.comparison.needed import Needed
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.statistics import SIGNIFICANCE, Evidence, difference
from harness.comparison.typical_seeds import typical_seeds
from harness.metrics.metric import Unit

POWER = 0.8
MOST_SEEDS, MOST_EXAMPLES = 1000, 10**9
MOST_MODELS = 8
"""Maximum number of models whose runs are used to estimate the noise."""
SEED_DEVIATION = 0.02
"""Assumed before any run, for a score between 0 and 1: the middle regime of docs/statistics.md. 8 points is the
unstable one."""
SHARE_RIGHT, SHARED = 0.8, 0.5
"""Likewise: the share of correct examples, so that one has the variance p (1 - p), and what two models share of it."""
PRIOR = (
    "by a prior, as there are no recorded runs: seeds 2 points apart (standard deviation), 80 % of examples right, "
    "half of what makes them so shared by two models"
)


@dataclass(frozen=True, slots=True)
class Noise:
    """The sources of variation of scores on a task.

    Attributes:
        examples: The variance that one test example, or one cluster, adds to a difference of two models.
        seeds: The variance that the seed adds to a score.
        clusters: Effective clusters per test example; 1 if examples are independent.
        source: The origin of these numbers, in words.
    """

    examples: float
    seeds: float
    clusters: float
    source: str


@dataclass(frozen=True, slots=True)
class Design:
    """A planned comparison.

    Attributes:
        seeds: Number of seeds for each model that has any.
        examples: Number of test examples.
        models: Number of models compared with each other.
        trained: Number of models in a pair that have seeds: 2, or 1 against a simple baseline.
        level: The two-sided level of the family of all comparisons.
    """

    seeds: int
    examples: float
    models: int
    trained: int = 2
    level: float = SIGNIFICANCE


def detectable(noise: Noise, design: Design) -> float | None:
    """The smallest difference detected with 80 % power; None with one seed or one test example."""
    found = _halves(noise, design)
    if found is None:
        return None
    from scipy.special import ndtri  # noqa: PLC0415 -- only a plan with numbers asks

    return found[0] + float(ndtri(POWER)) * found[1]


def half_width(noise: Noise, design: Design) -> float | None:
    """Half the width of the interval of a difference, not adjusted for the number of models."""
    found = _halves(noise, replace(design, models=2))
    return None if found is None else found[0]


def seeds_to_detect(noise: Noise, design: Design, wanted: float) -> int | None:
    """The fewest seeds that detect a difference of `wanted` with the design's examples; None if no number does."""
    return _least(lambda count: replace(design, seeds=count), noise, wanted, most=MOST_SEEDS)


def examples_to_detect(noise: Noise, design: Design, wanted: float) -> int | None:
    """The fewest test examples that do, with the design's seeds; None if no number does."""
    return _least(lambda count: replace(design, examples=count), noise, wanted, most=MOST_EXAMPLES)


def needed_to_tell(task: TaskComparison, by_model: Sequence[ModelRuns]) -> Needed | None:
    """What would distinguish the best trained model from the next in the race; None if nothing is left open.

    Args:
        task: The comparison of the task.
        by_model: The runs behind it.
    """
    race = [cell for cell in task.ranked if cell.is_top]
    leader = next((cell for cell in race if not cell.is_simple_baseline), None)
    rivals = [] if leader is None else [cell for cell in race if _gap(leader, cell, task) > 0]
    if leader is None or not rivals:
        return None
    rival = next((cell for cell in rivals if cell.is_simple_baseline), rivals[0])
    pair_first = sorted(by_model, key=lambda one: one.model not in {leader.model, rival.model})
    noise = recorded_noise(pair_first[:MOST_MODELS], "these runs")
    pair = [cell for cell in (leader, rival) if not cell.is_simple_baseline]
    seeds = min(len(cell.scored) for cell in pair)
    if noise is None:
        return None
    compared = sum(cell.is_compared for cell in task.ranked)
    level = SIGNIFICANCE if task.look is None else task.look.level
    two_left = len(race) == 2 < compared  # Then the leader is tested as the sole best, whatever the number of models.
    design = Design(
        seeds=seeds,
        examples=leader.examples,
        models=2 if two_left else compared,
        trained=len(pair),
        level=level * SOLE_BEST if two_left else level,
    )
    gap = _gap(leader, rival, task)
    enough_seeds, enough_examples = seeds_to_detect(noise, design, gap), examples_to_detect(noise, design, gap)
    return Needed(
        leader.model,
        rival.model,
        None if enough_seeds is None else max(enough_seeds - seeds, 1),
        None if enough_examples is None else max(ceil(enough_examples - design.examples), 1),
    )


def _gap(one: Cell, other: Cell, task: TaskComparison) -> float:
    """The signed difference by which one model scores better than another."""
    return (one.mean.value - other.mean.value) * (1 if task.card.higher_is_better else -1)


def assumed_noise(unit: Unit) -> Noise | None:
    """The noise to assume before any run; None for a metric without a range, whose variance depends on its scale."""
    if not (isfinite(unit.least) and isfinite(unit.most)):
        return None
    return Noise(2 * (1 - SHARED) * SHARE_RIGHT * (1 - SHARE_RIGHT), SEED_DEVIATION**2, 1.0, PRIOR)


def recorded_noise(by_model: Sequence[ModelRuns], source: str) -> Noise | None:
    """Estimate the noise from recorded runs; None if they say nothing about examples or seeds.

    Ve is the median over pairs of models, Vs over models.
    """
    known = [(one, evidence) for one in by_model if (evidence := one.evidence) is not None and evidence.knows_examples]
    trained = [evidence for _, evidence in known if len(evidence.scores) > 1]
    pairs = [
        _of_examples(one, other)
        for one, other in combinations([evidence for _, evidence in known], 2)
        if one.contributions.shape[1] == other.contributions.shape[1]
    ]
    pairs = [variance for variance in pairs if variance > 0]
    if not (pairs and trained):
        return None
    runs, evidence = known[0]
    clusters = evidence.effective_clusters / runs.split.examples
    return Noise(float(np.median(pairs)), _of_seeds(trained), clusters, source)


def _of_examples(one: Evidence, other: Evidence) -> float:
    return difference(one.averaged, other.averaged).standard_error ** 2 * one.effective_clusters


def _of_seeds(trained: Sequence[Evidence]) -> float:
    typical = typical_seeds(trained)
    if typical is not None:
        return typical.variance
    # A model differs from its own mean only by its seeds.
    spread = [(difference(one, one.averaged).standard_error ** 2 * len(one.scores), len(one.scores)) for one in trained]
    return sum(variance * (count - 1) for variance, count in spread) / sum(count - 1 for _, count in spread)


def _halves(noise: Noise, design: Design) -> tuple[float, float] | None:
    """Half the width of an adjusted interval, and the standard error."""
    clusters = design.examples * noise.clusters
    if clusters < 2 or (design.trained and design.seeds < 2):
        return None
    from scipy.special import stdtrit  # noqa: PLC0415 -- only a plan with numbers asks

    tail = _tail(design.models, design.level)
    examples, seeds = noise.examples / clusters, design.trained * noise.seeds / max(design.seeds, 1)
    widths = float(stdtrit(clusters - 1, tail)) ** 2 * examples
    if design.trained:
        widths += float(stdtrit(design.trained * (design.seeds - 1), tail)) ** 2 * seeds
    return sqrt(widths), sqrt(examples + seeds)


@cache  # A search for a number of seeds or examples repeats the same call.
def _tail(models: int, level: float) -> float:
    """The one-sided p-value of one comparison at which the family of all models has error rate `level`."""
    low, high = 0.0, level / 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if family_error(middle, models, models) > level else (middle, high)
    return low


def _least(design: Callable[[int], Design], noise: Noise, wanted: float, *, most: int) -> int | None:
    """The smallest count from 2 to `most` that detects the wanted difference; None if `most` does not."""

    def reaches(count: int) -> bool:
        return (detectable(noise, design(count)) or inf) <= wanted

    if not reaches(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high
