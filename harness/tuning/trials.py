"""Trials: runs that try a recipe each, on training and validation data alone.

Which recipe and which seed trial i of a model on a task has depends on these names, on i and on the search space alone.
So trials run in any order, on any number of workers or machines, and more of them can be added later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.config.training import Training, recipe_of
from harness.errors import UserError
from harness.record import Trial
from harness.registry import is_simple_baseline
from harness.runs.run import Run
from harness.tuning.settings import Tuning
from harness.tuning.space import Space, digest_of

FIRST_SEED = 2**31
"""Trials have seeds from here on: a winner's own seeds, which people choose, lie below."""


def is_tuned(run: Run, tuning: Tuning) -> bool:
    """Whether the run's recipe is to be chosen by trials: its model is trained, and to be tuned."""
    family = run.config.model.family
    assert family is not None, "the family is resolved before a run is made"
    return run.model in tuning.spaces and not is_simple_baseline(family) and run.config.training.maximum_steps != 0


def trials_of(run: Run, tuning: Tuning) -> list[Run]:
    """The trials that choose the recipe of `run`, which may be any seed of its model on its task.

    Raises:
        UserError: A recipe can't be, such as a stride that is longer than the window.
    """
    space = tuning.spaces[run.model]
    digest, mistakes = digest_of(space), list[str]()
    found = [_trial(run, number, space, digest, mistakes) for number in range(tuning.trials)]
    if mistakes:
        raise UserError(*mistakes)
    return found


def _trial(run: Run, number: int, space: Space, digest: str, mistakes: list[str]) -> Run:
    names = (run.suite, run.config.task, run.model, number)
    own = run.config.training
    mistakes += [
        f"{run.config.task}, {run.model}: {name} has no value that `times` could multiply. List the values."
        for name, dimension in space.items()
        if number == 0 and dimension.form == "times" and getattr(own, name) is None
    ]
    drawn = {name: dimension.drawn(_share(*names, name), getattr(own, name) or 0) for name, dimension in space.items()}
    config = run.config.model_copy(
        update={
            "training": _with(own, drawn, f"{run.config.task}, {run.model}, trial {number}: ", mistakes),
            "seed": FIRST_SEED + int(_share(*names) * (2**32 - FIRST_SEED)),
            "evaluate": "validation",
        }
    )
    folder = run.folder.parent / "trials" / f"trial-{number:03}"
    return replace(run, config=config, folder=folder, trial=Trial(number=number, space=digest), tuning=None)


def _with(recipe: Training, drawn: dict[str, Any], where: str, mistakes: list[str]) -> Training:
    """The recipe with what was drawn, checked as a whole."""
    return recipe_of({where: {**recipe.model_dump(), **drawn}}, mistakes) or recipe


def _share(*names: object) -> float:
    """A random number from 0 to 1, which is excluded, that depends on the names alone: on no library's generator."""
    digest = hashlib.sha256(json.dumps(names).encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def by_number(tried: Sequence[Sequence[Run]]) -> Iterator[Run]:
    """The trials of several models, the first of each first, so that early on there is something of all."""
    for number in range(max(map(len, tried), default=0)):
        yield from (trials[number] for trials in tried if number < len(trials))
