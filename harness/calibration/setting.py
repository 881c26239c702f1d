"""Setting: what is simulated, in a comparison's terms: metric, seeds, examples, groups, and what a seed changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKILL = 1.1
"""Four of five labels are right, where a run's label is right above 0."""


@dataclass(frozen=True, slots=True)
class Luck:
    """What another seed changes.

    Attributes:
        name: Such as "small".
        spread: Standard deviation of a run's quality over seeds. Without it, that of a run's quality on an example is
            1.27; of accuracy, 0.1 is 2 points, and 0.4 is 8.
        collapse: How often a run learns nothing and answers every example alike.
    """

    name: str
    spread: float
    collapse: float = 0.0


NONE, SMALL, LARGE = Luck("none", 0.0), Luck("small", 0.1), Luck("large", 0.4)
BIMODAL = Luck("bimodal", 0.1, collapse=0.2)


@dataclass(frozen=True, slots=True)
class Setting:
    """A comparison of models that are equally good.

    Attributes:
        metric: Its name.
        seeds: Runs of each model.
        examples: In the test set.
        luck: What another seed changes.
        sizes: Examples in each group, such as a document; None: every example is by itself.
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
    """Groups that differ by one example at most.

    >>> equal_sizes(10, 3)
    (4, 3, 3)
    """
    return tuple(examples // groups + (place < examples % groups) for place in range(groups))


def zipf_sizes(examples: int, groups: int) -> tuple[int, ...]:
    """Groups of which the second is half as large as the first, the third a third, and so on; none is empty.

    >>> zipf_sizes(110, 4)
    (52, 26, 18, 14)
    """
    wanted = np.cumsum(1 / np.arange(1, groups + 1))
    ends = np.round(wanted / wanted[-1] * (examples - groups)).astype(int)
    return tuple(int(size) + 1 for size in np.diff(ends, prepend=0))
