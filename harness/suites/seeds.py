"""Sequential seeds: seeds are added until a comparison is decided; when to look, and at which level.

The looks and their levels are fixed before the first run. Together the levels keep the error rate at 5 %: a part of it
is spent at each look in proportion to the seeds (Lan and DeMets 1983), for a test whose estimate has independent
increments (Jennison and Turnbull 2000, chapter 3). That holds if seeds are the only noise; noise of test examples,
which all looks share, makes the looks more alike and the error rate smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from math import pi, sqrt
from typing import Self

from pydantic import Field, model_validator

from harness.config.checking import Strict

ALPHA = 0.05
LEAST_START, USUAL_MOST = 3, 10
USUAL_LOOKS = (3, 5, 10)
USUAL_LEVELS = (0.0151, 0.0150, 0.0318)
"""With these, `experiments/sequential_levels.py` simulates the error of the harness's own intervals."""


class SequentialSeeds(Strict):
    """Add seeds until the comparisons of a task are decided.

    Attributes:
        start: Seeds at the first look. With fewer than 3, intervals over seeds are not reliable.
        most: Seeds at the last look, whatever they show.
    """

    start: int = Field(LEAST_START, ge=LEAST_START, le=1000)
    most: int = Field(USUAL_MOST, le=1000)

    @model_validator(mode="after")
    def _there_are_two_looks(self) -> Self:
        if self.most <= self.start:
            raise ValueError(f"most, {self.most}, must be more than start, {self.start}")
        return self


@dataclass(frozen=True, slots=True)
class SeedRule:
    """When the comparisons of a suite are looked at.

    Attributes:
        seeds: All seeds that may be run, in order.
        looks: The number of seeds that have run at each look.
        levels: Two-sided significance level at each look.
        begun_with: Runs that were recorded before the rule was fixed, and may have influenced it.
    """

    seeds: tuple[int, ...]
    looks: tuple[int, ...]
    levels: tuple[float, ...]
    begun_with: int = 0

    def __post_init__(self) -> None:
        ascending = sorted(set(self.looks)) == list(self.looks) and all(0 < level <= ALPHA for level in self.levels)
        if not (ascending and len(self.looks) == len(self.levels) and self.looks[-1] == len({*self.seeds})):
            raise ValueError("looks must ascend to the number of seeds, each with a level")


def seed_rule(wanted: SequentialSeeds, listed: Sequence[int] = ()) -> SeedRule:
    """The rule with looks at the first number of seeds, at the last, and at their geometric mean.

    Args:
        wanted: The range of the number of seeds.
        listed: Seeds to use first, followed by the smallest other ones.

    >>> seed_rule(SequentialSeeds(start=3, most=10)).looks
    (3, 5, 10)
    """
    middle = round(sqrt(wanted.start * wanted.most))
    looks = tuple(sorted({wanted.start, middle, wanted.most}))
    others = islice((seed for seed in count() if seed not in listed), max(wanted.most - len(listed), 0))
    return SeedRule((*listed, *others), looks, look_levels(looks))


def rule_for(listed: Sequence[int]) -> SeedRule:
    """The rule for a suite that lists its seeds: the first look is after three; if more are listed, they are all.

    >>> rule_for([7, 8]).seeds
    (7, 8, 0, 1, 2, 3, 4, 5, 6, 9)
    """
    most = len(listed) if len(listed) > LEAST_START else USUAL_MOST
    return seed_rule(SequentialSeeds(start=LEAST_START, most=most), listed)


def look_levels(looks: tuple[int, ...]) -> tuple[float, ...]:
    """Two-sided levels of looks after these numbers of seeds, with a joint error rate of 5 %.

    >>> look_levels((3, 5, 10))
    (0.0151, 0.015, 0.0318)
    """
    return USUAL_LEVELS if looks == USUAL_LOOKS else spending_levels(looks)


@lru_cache
def spending_levels(looks: tuple[int, ...]) -> tuple[float, ...]:
    """Two-sided levels that spend the error rate in proportion to the seeds.

    The density of paths that have not crossed a boundary is carried from look to look (Armitage, McPherson and Rowe
    1969), in units in which the sum of all seeds has variance 1.

    >>> [round(level, 4) for level in spending_levels((4, 8))]
    [0.025, 0.0336]
    """
    import numpy as np  # noqa: PLC0415 -- only a sequential suite asks
    from scipy.special import ndtr  # noqa: PLC0415 -- likewise

    nodes, weights = np.polynomial.legendre.leggauss(200)
    points, mass = np.zeros(1), np.ones(1)  # Before the first seed the sum is 0.
    before, levels = 0.0, []
    for share in (look / looks[-1] for look in looks):
        step, spent = sqrt(share - before), ALPHA * (share - before)
        low, high = 0.0, 10.0
        for _ in range(60):
            boundary = (low + high) / 2
            crossed = float(mass @ (ndtr((points - boundary) / step) + ndtr((-points - boundary) / step)))
            low, high = (boundary, high) if crossed > spent else (low, boundary)
        density = np.exp(-(((boundary * nodes[:, None] - points) / step) ** 2) / 2) @ mass / (step * sqrt(2 * pi))
        points, mass, before = boundary * nodes, boundary * weights * density, share
        levels.append(float(2 * ndtr(-boundary / sqrt(share))))
    return tuple(levels)
