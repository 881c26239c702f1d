"""The setting of a simulated comparison: metric, seeds, examples, groups, and the effect of the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKILL = 1.1
"""With this skill, four of five labels are right if a label is right for quality above 0."""


@dataclass(frozen=True, slots=True)
class Luck:
    """The effect of the seed.

    Attributes:
        name: The name, such as "small".
        spread: Standard deviation of a run's quality over seeds. Without it, the standard deviation of quality over
            examples is 1.27. In accuracy, 0.1 is 2 points, and 0.4 is 8.
        collapse: The probability that a run learns nothing and predicts the same for every example.
    """

    name: str
    spread: float
    collapse: float = 0.0


NONE, SMALL, LARGE = Luck("none", 0.0), Luck("small", 0.1), Luck("large", 0.4)
BIMODAL = Luck("bimodal", 0.1, collapse=0.2)


@dataclass(frozen=True, slots=True)
class Setting:
    """A comparison of equally good models.

    Attributes:
        metric: The name of the metric.
        seeds: Number of runs of each model.
        examples: Number of test examples.
        luck: The effect of the seed.
        sizes: Number of examples in each group, such as a document; None if all examples are independent.
        skill: The mean of a run's quality.
    """

    metric: str
    seeds: int
    examples: int
    luck: Luck
    sizes: tuple[int, ...] | None = None
    skill: float = SKILL

    @property
    def clusters(self) -> NDArray[np.intp]:
        """The group of each example [examples]."""
        if self.sizes is None:
            return np.arange(self.examples)
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def equal_sizes(examples: int, groups: int) -> tuple[int, ...]:
    """Return sizes of groups that differ by at most one example.

    >>> equal_sizes(10, 3)
    (4, 3, 3)
    """
    return tuple(examples // groups + (place < examples % groups) for place in range(groups))


def zipf_sizes(examples: int, groups: int) -> tuple[int, ...]:
    """Return sizes of non-empty groups by Zipf's law: the second is half as large as the first, the third a third.

    >>> zipf_sizes(110, 4)
    (52, 26, 18, 14)
    """
    wanted = np.cumsum(1 / np.arange(1, groups + 1))
    ends = np.round(wanted / wanted[-1] * (examples - groups)).astype(int)
    return tuple(int(size) + 1 for size in np.diff(ends, prepend=0))
