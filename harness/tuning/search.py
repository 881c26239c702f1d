"""The trials of each model, as far as the records determine them: a pure function of the records."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.record import RunRecord
from harness.runs.run import Run, TaskAndModel
from harness.tuning.halving import halved_trials
from harness.tuning.settings import MOST_TIMES, Tuning
from harness.tuning.tpe import sequential_trials
from harness.tuning.trials import space_read, trials_of

Recorded = Callable[[Run], RunRecord | None]


@dataclass(frozen=True)
class Named:
    """The trials of a model on a task that are known so far.

    Attributes:
        runs: The trials in order of their numbers.
        is_all: Whether these are all trials, whatever their results.
    """

    runs: list[Run]
    is_all: bool


def named_trials(runs: Mapping[TaskAndModel, Run], tuning: Tuning, recorded: Recorded) -> dict[TaskAndModel, Named]:
    """The trials of each task and model.

    Args:
        runs: Any seed of each task and model.
        tuning: The tuning settings.
        recorded: Returns the record of a trial, if any.

    Raises:
        UserError: If a recipe is invalid, or the sampler's library is not installed.
    """
    if tuning.budget == "trials":
        return {cell: _so_many(run, tuning, tuning.trials, recorded) for cell, run in runs.items()}
    by_task: defaultdict[str, dict[TaskAndModel, Run]] = defaultdict(dict)
    for cell, run in runs.items():
        by_task[cell[0]][cell] = run
    found = [_equal_costs(cells, tuning, recorded) for cells in by_task.values()]
    return {cell: named for one in found for cell, named in one.items()}


def _so_many(run: Run, tuning: Tuning, count: int, recorded: Recorded) -> Named:
    """The first trials; for a sampler that uses results, as far as the records determine them."""
    space = space_read(run, tuning.spaces[run.model])
    if tuning.sampler == "random":
        return Named(trials_of(run, space, count), True)
    if tuning.sampler == "halving":
        return Named(*halved_trials(run, space, count, recorded))
    found = sequential_trials(run, space, count, recorded)
    return Named(found, len(found) == count)


def _equal_costs(runs: Mapping[TaskAndModel, Run], tuning: Tuning, recorded: Recorded) -> dict[TaskAndModel, Named]:
    """Give each model `tuning.trials`, and more until they cost as much as those of the most expensive model."""
    first = {cell: _so_many(run, tuning, tuning.trials, recorded) for cell, run in runs.items()}
    costs = {cell: _costs(named.runs, tuning.budget, recorded) for cell, named in first.items()}
    if any(len(known) < tuning.trials for known in costs.values()):
        return {cell: Named(named.runs, False) for cell, named in first.items()}
    allotted = max(math.fsum(known) for known in costs.values())
    return {cell: _until_spent(run, tuning, allotted, recorded) for cell, run in runs.items()}


def _until_spent(run: Run, tuning: Tuning, allotted: float, recorded: Recorded) -> Named:
    """The trials until the budget is spent; if it is not yet, also those that certainly still fit."""
    most = MOST_TIMES * tuning.trials
    named = _so_many(run, tuning, most, recorded)
    costs = _costs(named.runs, tuning.budget, recorded)
    spent = 0.0
    for count, cost in enumerate(costs, 1):
        spent += cost
        if count >= tuning.trials and (spent >= allotted * (1 - 1e-9) or count == most):
            return Named(named.runs[:count], True)
    fitting = int((allotted - spent) / max(costs)) if max(costs) > 0 else most
    return Named(named.runs[: len(costs) + max(fitting, 1)], False)


def _costs(trials: Iterable[Run], budget: str, recorded: Recorded) -> list[float]:
    """The cost of each trial, up to the first that is not recorded."""
    found = []
    for trial in trials:
        record = recorded(trial)
        if record is None:
            break
        found.append(cost_of(record, budget))
    return found


def cost_of(record: RunRecord, budget: str) -> float:
    """The cost of a trial in training FLOPs, training tokens, or seconds in total."""
    cost = record.cost
    if budget == "flops":
        return cost.training_flops
    if budget == "tokens":
        return cost.train_tokens_per_second * cost.seconds.get("train", 0.0)
    return math.fsum(cost.seconds.values())
