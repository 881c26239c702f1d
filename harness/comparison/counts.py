"""Counts of tasks on which something holds, as the formats render them (`harness.comparison.over_tasks`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Count:
    """The number of tasks on which something holds.

    Attributes:
        shown: The tasks whose own sections show it.
        least: Lower bound of the number of tasks on which it holds, corrected for the number of tasks.
    """

    shown: tuple[str, ...] = ()
    least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOverTasks:
    """Counts of tasks for a model.

    Attributes:
        compared: The tasks on which the model was compared.
        better: Tasks on which it is better than the baseline.
        worse: Tasks on which it is worse than the baseline.
        best: Tasks on which it is better than every other model.
        not_best: Tasks on which another model is better.
        ahead: For each other model, the tasks on which this one is better.
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
        """Upper bound of the number of tasks on which the model may be the best, of those on which it was compared."""
        return len(self.compared) - self.not_best.least


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRanks:
    """The ranks of models that were compared on every task; 1 is the best.

    Attributes:
        by_model: The mean rank of each model, best first.
        critical_difference: Mean ranks that differ by less are not distinguished.
    """

    by_model: Mapping[str, float]
    critical_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTasks:
    """Results over all tasks of a report together.

    Attributes:
        names: The tasks' names.
        models: The models that were compared on any task, in the order of the comparison.
        ranks: The mean ranks; None for few tasks.
    """

    names: tuple[str, ...]
    models: tuple[ModelOverTasks, ...]
    ranks: MeanRanks | None = None

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.names)
