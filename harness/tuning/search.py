"""Which trials a model gets, as far as what is recorded says: a pure function of the records."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.record import RunRecord
from harness.runs.run import Run
from harness.tuning.halving import halved_trials
from harness.tuning.settings import MOST_TIMES, Tuning
from harness.tuning.tpe import sequential_trials
from harness.tuning.trials import space_read, trials_of

Cell = tuple[str, str]
Recorded = Callable[[Run], RunRecord | None]


@dataclass(frozen=True)
class Named:
    """The trials of a model on a task that are known by now.

    Attributes:
        runs: By their numbers.
        is_all: Whether no others come, whatever these give.
    """

    runs: list[Run]
    is_all: bool


def named_trials(runs: Mapping[Cell, Run], tuning: Tuning, recorded: Recorded) -> dict[Cell, Named]:
    """The trials of each task and model.

    Args:
        runs: Any seed of each.
        tuning: How many, and from which space.
        recorded: What is recorded of a trial.

    Raises:
        UserError: A recipe can't be, or the sampler's library is not installed.
    """
    if tuning.budget == "trials":
        return {cell: _so_many(run, tuning, tuning.trials, recorded) for cell, run in runs.items()}
    by_task: defaultdict[str, dict[Cell, Run]] = defaultdict(dict)
    for cell, run in runs.items():
        by_task[cell[0]][cell] = run
    found = [_equal_costs(cells, tuning, recorded) for cells in by_task.values()]
    return {cell: named for one in found for cell, named in one.items()}


def _so_many(run: Run, tuning: Tuning, count: int, recorded: Recorded) -> Named:
    """The first trials; of a sampler that goes by what was found, no further than is known from what is recorded."""
    space = space_read(run, tuning.spaces[run.model])
    if tuning.sampler == "random":
        return Named(trials_of(run, space, count), True)
    if tuning.sampler == "halving":
        return Named(*halved_trials(run, space, count, recorded))
    found = sequential_trials(run, space, count, recorded)
    return Named(found, len(found) == count)


def _equal_costs(runs: Mapping[Cell, Run], tuning: Tuning, recorded: Recorded) -> dict[Cell, Named]:
    """As many trials as cost what the first ones cost of the model whose cost most; each model has at least those."""
    first = {cell: _so_many(run, tuning, tuning.trials, recorded) for cell, run in runs.items()}
    costs = {cell: _costs(named.runs, tuning.budget, recorded) for cell, named in first.items()}
    if any(len(known) < tuning.trials for known in costs.values()):
        return {cell: Named(named.runs, False) for cell, named in first.items()}
    allotted = max(math.fsum(known) for known in costs.values())
    return {cell: _until_spent(run, tuning, allotted, recorded) for cell, run in runs.items()}


def _until_spent(run: Run, tuning: Tuning, allotted: float, recorded: Recorded) -> Named:
    """The trials until what is allotted is spent; where it is not yet, with those that will surely still fit."""
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
    """What each trial cost, up to the first that is not recorded."""
    found = []
    for trial in trials:
        record = recorded(trial)
        if record is None:
            break
        found.append(cost_of(record, budget))
    return found


def cost_of(record: RunRecord, budget: str) -> float:
    """What a trial cost, in training FLOPs, tokens that were trained on, or seconds of all it did."""
    cost = record.cost
    if budget == "flops":
        return cost.training_flops
    if budget == "tokens":
        return cost.train_tokens_per_second * cost.seconds.get("train", 0.0)
    return math.fsum(cost.seconds.values())
