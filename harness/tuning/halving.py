"""Successive halving: many recipes at a fraction of their length, better ones longer, the best at full length.

Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization". Learning
rate decay spans a run's own steps, so a truncated run says little about a complete one. Here each run has its whole
schedule within its own length, and a recipe that advances is trained anew. So a short run is a recipe like others, with
fewer epochs, and may itself turn out to be the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from harness.config.training import Training
from harness.record import RunRecord
from harness.runs.run import Run
from harness.tuning.space import Space
from harness.tuning.trials import check_multiplied, drawn_recipe, trial_runs, trials_of
from harness.tuning.winner import outcome_of, ranked

KEPT = 3
"""One in `KEPT` recipes advances to the next round, whose runs are `KEPT` times as long."""


def rounds_of(count: int) -> list[int]:
    """Number of recipes in each round, if the first has `count`.

    >>> rounds_of(8), rounds_of(9), rounds_of(1)
    ([8, 3, 1], [9, 3, 1], [1])
    """
    return [count] if count == 1 else [count, *rounds_of(ceil(count / KEPT))]


def halved_trials(
    run: Run, space: Space, count: int, recorded: Callable[[Run], RunRecord | None]
) -> tuple[list[Run], bool]:
    """The trials of the rounds known so far, and whether those are all: each round depends on the previous one.

    A model that takes no steps (a simple baseline or a probe) gets as many random trials as there are in all rounds.

    Args:
        run: Any seed of the model on the task.
        space: The search space.
        count: Number of recipes in the first round.
        recorded: Returns the record of a trial, if any.

    Raises:
        UserError: If a recipe is invalid.
    """
    sizes = rounds_of(count)
    if run.config.training.method == "probe" or run.config.model.is_simple_baseline:
        return trials_of(run, space, sum(sizes)), True
    check_multiplied(run, space)
    found: list[Run] = []
    recipes: Sequence[int] = range(count)
    for number, size in enumerate(sizes):
        shortening = KEPT ** (len(sizes) - 1 - number)
        drawn = {len(found) + n: _shortened(run, space, recipe, shortening) for n, recipe in enumerate(recipes[:size])}
        trials = trial_runs(run, space, drawn)
        found += trials
        records = [record for trial in trials if (record := recorded(trial)) is not None]
        if len(records) < size:
            return found, number == len(sizes) - 1
        best_first = ranked(map(outcome_of, records), higher_is_better=records[0].task_card.higher_is_better)
        recipes = [recipes[trial - len(found) + size] for trial in best_first]
    return found, True


def _shortened(run: Run, space: Space, recipe: int, times: int) -> dict[str, Any]:
    """The settings of a recipe of the first round, with the steps divided by `times`."""
    drawn = drawn_recipe(run, space, recipe)
    whole: Training = run.config.training.model_copy(update=drawn)
    most = whole.maximum_steps
    return drawn | {
        "epochs": whole.epochs / times,
        "minimum_steps": ceil(whole.minimum_steps / times),
        "maximum_steps": None if most is None else ceil(most / times),
    }
