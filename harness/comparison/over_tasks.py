"""Results over all tasks of a report, corrected for their number; scores are never averaged.

The section of each task contains a false claim with a probability of at most about 5 %. So of m tasks with independent
runs and test examples, k or more sections contain one with at most the probability of a binomial distribution, and the
counts over tasks subtract as many as may be wrong. A task is never counted if its own section does not make the claim.

"Better than the baseline on at least u of m tasks" is a partial conjunction (Benjamini and Heller 2008; Dror et al.
2017, "Replicability analysis for natural language processing"): the m - u + 1 least significant tasks are tested
together, by how many of them are significant (Wilkinson 1951). It holds for all models together, because a task's
family makes a false claim about any of them in at most 5 % of cases. A variant by each task's smallest p-values
(Bonferroni, Holm) would not need independence, but p-values of a few seeds are not reliable far below 5 %: with six
equally good models whose seeds vary unequally, it was wrong in 9 % of simulated reports on eight tasks.

"The best" is not a claim about one model against a baseline, and models can take turns. So all such counts of a report
subtract the total number of tasks that may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, sqrt

import numpy as np

from harness.comparison.counts import Count, MeanRanks, ModelOverTasks, OverTasks
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.statistics import SIGNIFICANCE

Tasks = Mapping[str, Sequence[TaskComparison]]
Holds = Callable[[TaskComparison, Cell], bool]

TASKS_FOR_RANKS = 8
"""Fewer tasks say little about other tasks."""
LEVEL_OF_RANKS = 0.01
"""Level of the mean ranks, which are tested in addition to the counts and add to a report's error rate."""


def over_tasks(tasks: Sequence[TaskComparison], models: Sequence[str]) -> OverTasks | None:
    """Combine several tasks; None for a single one, or if fewer than two tasks compared anything.

    Args:
        tasks: The task comparisons. A task that occurs more than once (in two suites, by two metrics or at several
            values of a setting) counts once: something holds on it if it holds in all its comparisons.
        models: The name of every model, in the order of the tasks' cells.
    """
    named: dict[str, list[TaskComparison]] = {}
    for task in tasks:
        named.setdefault(task.base_task, []).append(task)
    if sum(any(cell.is_compared for task in group for cell in task.cells) for group in named.values()) < 2:
        return None
    found = [_of_model(model, place, named) for place, model in enumerate(models)]
    return OverTasks(
        names=tuple(named),
        models=tuple(one for one in found if one.compared),
        ranks=mean_ranks(tasks, models),
    )


def at_least(significant: int, tasks: int) -> int:
    """Lower bound of the number of tasks on which something holds, given on how many it is significant at 5 %.

    >>> at_least(3, 3), at_least(2, 3), at_least(1, 3), at_least(5, 8)
    (3, 1, 0, 4)
    """
    # With u - 1 of the significant ones assumed true, this many are left among this many tasks by chance alone.
    holds = (u for u in range(significant, 0, -1) if _or_more(significant - u + 1, tasks - u + 1) <= SIGNIFICANCE)
    return next(holds, 0)


def may_be_wrong(tasks: int) -> int:
    """The number of task sections that may contain a false claim; more than these do with a probability of at most 5 %.

    >>> may_be_wrong(1), may_be_wrong(2), may_be_wrong(7), may_be_wrong(8)
    (0, 1, 1, 2)
    """
    return next(count for count in range(tasks + 1) if _or_more(count + 1, tasks) <= SIGNIFICANCE)


def mean_ranks(tasks: Sequence[TaskComparison], models: Sequence[str]) -> MeanRanks | None:
    """The mean ranks of the models that were compared on every task, with Nemenyi's critical difference.

    None for few tasks, for fewer than two such models, and if a task occurs twice, because it would count as two.

    Source: Demšar 2006, "Statistical comparisons of classifiers over multiple data sets", section 3.2.2.
    """
    if len(tasks) < TASKS_FOR_RANKS or len({task.base_task for task in tasks}) < len(tasks):
        return None
    places = [place for place in range(len(models)) if all(task.cells[place].is_compared for task in tasks)]
    if len(places) < 2:
        return None
    from scipy.stats import rankdata  # noqa: PLC0415 -- scipy.stats takes a second to import

    ranks = np.mean([rankdata([_order(task, task.cells[place]) for place in places]) for task in tasks], axis=0)
    by_model = dict(sorted(zip([models[place] for place in places], ranks.tolist(), strict=True), key=lambda p: p[1]))
    apart = critical_difference(len(places), len(tasks), LEVEL_OF_RANKS)
    return MeanRanks(by_model=by_model, critical_difference=apart)


def critical_difference(models: int, tasks: int, level: float) -> float:
    """The smallest significant difference between the mean ranks of two models (Nemenyi 1963).

    >>> round(critical_difference(models=4, tasks=14, level=0.05), 2)  # Demšar 2006, the example of section 3.2.2
    1.25
    """
    from scipy.stats import studentized_range  # noqa: PLC0415 -- as above

    return float(studentized_range.ppf(1 - level, models, inf)) / sqrt(2) * sqrt(models * (models + 1) / (6 * tasks))


def _or_more(count: int, tasks: int) -> float:
    """The probability that `count` or more tasks are significant by chance alone, each at 5 %."""
    from scipy.special import bdtrc  # noqa: PLC0415 -- only comparing needs it

    return round(float(bdtrc(count - 1, tasks, SIGNIFICANCE)), 12)


def _order(task: TaskComparison, cell: Cell) -> float:
    """Sort key: the better the score, the smaller."""
    return -cell.mean.value if task.card.higher_is_better else cell.mean.value


def _of_model(model: str, place: int, tasks: Tasks) -> ModelOverTasks:
    def where(holds: Holds) -> tuple[str, ...]:
        return _where(place, tasks, holds)

    total = len(tasks)
    better, worse = where(_is_on_side(1)), where(_is_on_side(-1))
    return ModelOverTasks(
        model=model,
        compared=where(lambda *_: True),
        better=Count(better, at_least(len(better), total)),
        worse=Count(worse, at_least(len(worse), total)),
        best=_less_wrong(where(_is_best), total),
        not_best=_less_wrong(where(lambda _, cell: bool(cell.beaten_by)), total),
        ahead={other: _less_wrong(names, total) for other, names in _ahead(model, place, tasks).items()},
    )


def _where(place: int, tasks: Tasks, holds: Holds) -> tuple[str, ...]:
    """The tasks on which something holds in every comparison that includes the model, if there is one."""
    found = {name: [task for task in group if task.cells[place].is_compared] for name, group in tasks.items()}
    return tuple(
        name for name, group in found.items() if group and all(holds(task, task.cells[place]) for task in group)
    )


def _less_wrong(shown: tuple[str, ...], tasks: int) -> Count:
    return Count(shown, max(0, len(shown) - may_be_wrong(tasks)))


def _is_on_side(side: int) -> Holds:
    """Test whether a model is shown to be better (1) or worse (-1) than the baseline."""

    def holds(_task: TaskComparison, cell: Cell) -> bool:
        found = cell.from_baseline
        return found is not None and found.is_significant and (found.gain or 0.0) * side > 0

    return holds


def _ahead(model: str, place: int, tasks: Tasks) -> dict[str, tuple[str, ...]]:
    """For each other model, the tasks on which `model` is shown to be ahead of it."""
    found: dict[str, list[str]] = {}
    for name, group in tasks.items():
        beaten = [
            {cell.model for cell in task.cells if model in cell.beaten_by}
            for task in group
            if task.cells[place].is_compared
        ]
        for other in sorted(set.intersection(*beaten) if beaten else ()):
            found.setdefault(other, []).append(name)
    return {other: tuple(names) for other, names in found.items()}


def _is_best(task: TaskComparison, cell: Cell) -> bool:
    """Return whether every other model is shown not to be the best; only the best simple baseline is compared."""
    others = [other for other in task.cells if other.model != cell.model]
    rivals = [other for other in others if other.is_compared or not other.is_simple_baseline]
    return cell.is_top and bool(rivals) and all(other.is_compared and not other.is_top for other in rivals)
