"""Varied settings: lists of values in a suite, such as train_examples = [100, 300, 1000], each a task of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from harness.config.checking import checked
from harness.config.training import Training
from harness.varied import Setting, Varied

SETTINGS: Sequence[Setting] = get_args(Setting)
MOST_VALUES = 20

Layers = Mapping[str, Mapping[str, Any]]


def varied_task(task: str, layers: Layers, own: Layers, mistakes: list[str]) -> tuple[Varied, ...]:
    """A task at each value of its varied setting, ascending; empty if no setting varies.

    Args:
        task: The name of the task.
        layers: Settings of all models on it, by their location in the file; the last one with a setting takes
            precedence.
        own: Settings of single models, which may contain neither a list nor a value for the varied setting.
        mistakes: Mistakes are appended to it.
    """
    said = {
        setting: (where, layer[setting]) for where, layer in layers.items() for setting in SETTINGS if setting in layer
    }
    lists = {setting: found for setting, found in said.items() if isinstance(found[1], list)}
    mistakes += _own_values(own, lists)
    if not lists:
        return ()
    (setting, (where, values)), *others = lists.items()
    if others:
        mistakes.append(f"{where}{setting}: {others[0][0]} has several values, too. Vary one of them at a time.")
    problems = list(_problems(setting, where, values))
    mistakes += problems
    if others or problems:
        return ()
    return tuple(Varied(task=task, setting=setting, value=value) for value in sorted(values))


def without_lists(layer: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that have several values."""
    return {key: value for key, value in layer.items() if not (key in SETTINGS and isinstance(value, list))}


def at_values(task: str, varied: Sequence[Varied]) -> dict[str, dict[str, Any]]:
    """The setting for each value, by the task's name with the value; empty for a task without a varied setting."""
    return {one.name: {one.setting: one.value} for one in varied} or {task: {}}


def tuned_too(
    spaces: Mapping[str, Mapping[str, object]], varied: Mapping[str, Sequence[Varied]], where: str
) -> Iterator[str]:
    """A line for each setting that is both varied and chosen by trials.

    Args:
        spaces: The search spaces by model.
        varied: The varied values by task.
        where: The prefix of each line.
    """
    names = {one.setting for values in varied.values() for one in values}
    tuned = {setting for space in spaces.values() for setting in space}
    for setting in SETTINGS:
        if setting in names & tuned:
            yield f"{where}tuning.space: {setting} has several values in the recipe, too. Leave one of the two out."


def _own_values(own: Layers, lists: Mapping[Setting, object]) -> Iterator[str]:
    for where, layer in own.items():
        for setting in SETTINGS:
            value = layer.get(setting)
            if isinstance(value, list):
                yield (
                    f"{where}{setting}: one model can't have several values (got {value!r}). Models are compared at "
                    "the same value: give the list in [training] or [training_on.TASK]."
                )
            elif value is not None and setting in lists:
                yield (
                    f"{where}{setting}: is varied for all models (got {value!r}), which are compared at the same "
                    "value. Leave it out."
                )


def _problems(setting: Setting, where: str, values: list[Any]) -> Iterator[str]:
    different = [value for place, value in enumerate(values) if value not in values[:place]]
    if not 2 <= len(values) <= MOST_VALUES or len(different) < len(values):
        yield f"{where}{setting}: needs 2 to {MOST_VALUES} different values (got {values!r}). For one, leave [] out."
    for value in different:
        if value is None or isinstance(value, bool):
            yield f"{where}{setting}: must be a whole number (got {value!r})."
        else:
            mistakes: list[str] = []
            checked(Training, {setting: value}, where, mistakes)
            yield from mistakes
