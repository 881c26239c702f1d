"""Find a setting for a user's numbers: the score of the models, and its spread over seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from harness.calibration.draws import simulation_of, spread_scores
from harness.calibration.setting import SMALL, Luck, Setting, equal_sizes, zipf_sizes
from harness.errors import UserError
from harness.metrics.lookup import metric_name, unit_of

EXAMPLES, HALVINGS = 6000, 12
SKILLS, SPREADS = (-4.0, 8.0), (0.0, 3.0)
"""The ranges that are searched for a setting."""
DOCUMENTS = 10
"""Examples per group, if only the shape of the groups is given."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is known of a comparison. None if unknown; the simulated models then keep their defaults.

    Attributes:
        metric: The name of the metric.
        seeds: Number of runs of each model.
        examples: Number of test examples.
        sizes: Number of examples in each group; None if all examples are independent.
        score: The score of the models, in the metric's natural unit.
        spread: Standard deviation of a model's score over seeds on the same test examples, in the same unit.
    """

    metric: str
    seeds: int
    examples: int
    sizes: tuple[int, ...] | None = None
    score: float | None = None
    spread: float | None = None


def setting_of(numbers: Numbers) -> Setting:
    """Find the setting whose simulated models are nearest to the numbers.

    A score without an upper bound, such as a squared error, has an arbitrary scale, so only the ratio of spread and
    score counts.

    Raises:
        UserError: If there is no simulation for the metric, no model can have the score, or it would not count.
    """
    setting = Setting(numbers.metric, numbers.seeds, numbers.examples, SMALL, numbers.sizes)
    simulation_of(numbers.metric)
    unit = unit_of(numbers.metric)
    if numbers.score is not None and not unit.least <= numbers.score <= unit.most:
        raise UserError(
            f"--score: {metric_name(numbers.metric)} is from {unit.factor * unit.least:g} to "
            f"{unit.factor * unit.most:g} (got {unit.factor * numbers.score:g}). Give a score as reports show it."
        )
    spread, has_scale = numbers.spread, np.isfinite(unit.most)
    if numbers.score is not None and spread is None and not has_scale:
        raise UserError(
            f"--score: {metric_name(numbers.metric)} has no upper bound, so only the ratio of --luck and --score "
            "counts. Give --luck too, or leave it out."
        )
    if numbers.score is not None and has_scale:
        target = numbers.score
        skill = _solved(lambda skill: _moments(setting, skill, 0.0)[0], target, SKILLS)
        setting = replace(setting, skill=skill)
    if spread is None:
        return setting
    if numbers.score is not None and not has_scale and numbers.score > 0:
        spread *= _moments(setting, setting.skill, 0.0)[0] / numbers.score
    luck = _solved(lambda luck: _moments(setting, setting.skill, luck)[1], spread, SPREADS) if spread > 0 else 0.0
    return replace(setting, luck=Luck("as given", luck))


def sizes_of(groups: str, examples: int) -> tuple[int, ...]:
    """Return the sizes of groups that a user specifies: "10", "zipf" or "zipf:10".

    Raises:
        UserError: If it is none of these, or there are more groups than examples.
    """
    shape, _, count = groups.rpartition(":")
    number = count if count != "zipf" else str(max(examples // DOCUMENTS, 2))
    if (shape not in ("", "zipf")) or not number.isdecimal() or not 2 <= int(number) <= examples:
        raise UserError(
            f"--groups: must be a number from 2 to {examples:,} (the number of test examples), zipf, or one such as "
            f"zipf:50 (got {groups!r})."
        )
    return (zipf_sizes if "zipf" in groups else equal_sizes)(examples, int(number))


def rescaled(sizes: tuple[int, ...], examples: int) -> tuple[int, ...]:
    """Return groups of the same relative sizes for another number of examples; those without an example are left out.

    >>> rescaled((60, 30, 10), 20), rescaled((60, 30, 10), 2)
    ((12, 6, 2), (1, 1))
    """
    ends = np.round(np.cumsum(sizes) / sum(sizes) * examples).astype(int)
    return tuple(int(size) for size in np.diff(ends, prepend=0) if size)


def _moments(setting: Setting, skill: float, luck: float) -> tuple[float, float]:
    """Compute the mean and the standard deviation over seeds of the score on very many examples."""
    rng = np.random.default_rng(1)  # The same draws for every skill and luck: the score changes with them alone.
    scores, weights = spread_scores(simulation_of(setting.metric), skill, luck, rng, EXAMPLES)
    if luck == 0:
        return float(scores @ weights), 0.0
    steady, _ = spread_scores(simulation_of(setting.metric), skill, 0.0, np.random.default_rng(1), EXAMPLES)
    moved = scores - steady
    return float(scores @ weights), float(np.sqrt(weights @ (moved - weights @ moved) ** 2))


def _solved(value: Callable[[float], float], target: float, between: tuple[float, float]) -> float:
    """Find where a monotone function has a value, or is nearest to it."""
    low, high = between
    rises = value(high) > value(low)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if (value(middle) < target) == rises:
            low = middle
        else:
            high = middle
    return (low + high) / 2
