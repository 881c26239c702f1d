"""Trials: runs that try one recipe each, on training and validation data only.

The recipe and the seed of trial i of a model on a task depend only on these names, i and the search space. So trials
run in any order, on any number of workers or machines, and more can be added later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config.training import UNREAD_BY_PROBES, Baselines, recipe_of
from harness.errors import UserError
from harness.registry import baseline_settings
from harness.runs.run import Run
from harness.trial import Trial
from harness.tuning.settings import Tuning
from harness.tuning.space import Space, digest_of

FIRST_SEED = 2**31
"""Trials have seeds from here on; the seeds that people choose are smaller."""


def is_tuned(run: Run, tuning: Tuning) -> bool:
    """Return whether trials choose the run's recipe: its model is tuned, and uses any setting that varies."""
    return bool(space_read(run, tuning.spaces.get(run.model, {})))


def space_read(run: Run, space: Space) -> Space:
    """The part of a space that the run's model uses; none if the recipe takes no steps."""
    model = run.config.model
    if model.is_simple_baseline:
        known = baseline_settings(model.resolved_family)
        return {name: dimension for name, dimension in space.items() if name in known}
    if run.config.training.maximum_steps == 0:
        return {}
    unread = {*Baselines.model_fields, *(UNREAD_BY_PROBES if run.config.training.method == "probe" else ())}
    return {name: dimension for name, dimension in space.items() if name not in unread}


def trials_of(run: Run, space: Space, count: int) -> list[Run]:
    """The first random trials of a model on a task.

    Args:
        run: Any seed of the model on the task.
        space: The search space.
        count: Number of trials.

    Raises:
        UserError: If a recipe is invalid, such as a stride that is longer than the window.
    """
    check_multiplied(run, space)
    return trial_runs(run, space, {number: drawn_recipe(run, space, number) for number in range(count)})


def drawn_recipe(run: Run, space: Space, number: int) -> dict[str, Any]:
    """The settings that trial `number` changes, drawn at random."""
    own, names = run.config.training, (run.suite, run.config.task, run.model, number)
    return {name: dimension.drawn(share_of(*names, name), getattr(own, name)) for name, dimension in space.items()}


def trial_runs(run: Run, space: Space, recipes: Mapping[int, Mapping[str, Any]]) -> list[Run]:
    """Trials with the settings that were drawn.

    Args:
        run: Any seed of the model on the task.
        space: The search space.
        recipes: The settings to change, by the number of the trial.

    Raises:
        UserError: If a recipe is invalid, such as a stride that is longer than the window.
    """
    mistakes: list[str] = []
    found = [_trial_run(run, number, space, drawn, mistakes) for number, drawn in recipes.items()]
    if mistakes:
        raise UserError(*mistakes)
    return found


def _trial_run(run: Run, number: int, space: Space, drawn: Mapping[str, Any], mistakes: list[str]) -> Run:
    where = f"{run.config.task}, {run.model}, trial {number}: "
    recipe = recipe_of({where: {**run.config.training.model_dump(), **drawn}}, mistakes)
    share = share_of(run.suite, run.config.task, run.model, number)
    config = run.config.model_copy(
        update={
            "training": recipe or run.config.training,
            "seed": FIRST_SEED + int(share * (2**32 - FIRST_SEED)),
            "evaluate": "validation",
        }
    )
    folder = run.folder.parent / trial_folder(number)
    return replace(run, config=config, folder=folder, trial=Trial(number=number, space=digest_of(space)), tuning=None)


def trial_folder(number: int) -> Path:
    """The folder of a trial in its model's."""
    return Path("trials", f"trial-{number:03}")


def check_multiplied(run: Run, space: Space) -> None:
    """Check that each setting to be multiplied has a value of its own.

    Raises:
        UserError: For each that has none.
    """
    wrong = [name for name, one in space.items() if one.form == "times" and getattr(run.config.training, name) is None]
    if wrong:
        where = f"{run.config.task}, {run.model}"
        raise UserError(
            *(f"{where}: {name} has no value that `times` could multiply. List the values." for name in wrong)
        )


def share_of(*names: object) -> float:
    """A random number in [0, 1) that depends only on the names, and on no library's generator."""
    digest = hashlib.sha256(json.dumps(names).encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def by_number(tried: Sequence[Sequence[Run]]) -> Iterator[Run]:
    """The trials of several models, the first of each first, so that all models have early results."""
    for number in range(max(map(len, tried), default=0)):
        yield from (trials[number] for trials in tried if number < len(trials))
