"""On how many of a report's tasks something is so, as the formats render it (`harness.comparison.over_tasks`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Count:
    """On how many tasks something is so.

    Attributes:
        shown: The tasks whose own sections show it.
        least: On at least so many it is so, with the number of tasks taken into account.
    """

    shown: tuple[str, ...] = ()
    least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOverTasks:
    """On how many tasks something is shown of a model.

    Attributes:
        compared: The tasks on which anything could be shown of it.
        better: On which it is better than the baseline.
        worse: On which it is worse.
        best: On which it is better than every other model.
        not_best: On which another model is better.
        ahead: By other model, on which it is better than that one.
    """

    model: str
    compared: tuple[str, ...]
    better: Count = Count()
    worse: Count = Count()
    best: Count = Count()
    not_best: Count = Count()
    ahead: Mapping[str, Count] = field(default_factory=dict)

    @property
    def may_be_best(self) -> int:
        """On at most so many tasks it may be the best, of those on which it was compared."""
        return len(self.compared) - self.not_best.least


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRanks:
    """The ranks of models that were compared on every task, 1 being the best.

    Attributes:
        by_model: Each model's mean rank, the best first.
        critical_difference: Mean ranks that differ by less are not told apart.
    """

    by_model: Mapping[str, float]
    critical_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTasks:
    """What is shown over all tasks of a report together.

    Attributes:
        names: The tasks' names.
        models: In the comparison's order, those of which anything could be shown on any task.
        ranks: None of few tasks.
    """

    names: tuple[str, ...]
    models: tuple[ModelOverTasks, ...]
    ranks: MeanRanks | None = None

    @property
    def tasks(self) -> int:
        """How many tasks there are."""
        return len(self.names)
