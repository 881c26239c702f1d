"""Tuning settings from a suite's file or the command line, validated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from harness.config.checking import Strict, checked
from harness.errors import nearest
from harness.tuning.space import DEFAULT, Space, space_of

Budget = Literal["trials", "flops", "tokens", "seconds"]
Sampler = Literal["random", "halving", "tpe"]
MOST_TIMES = 10
"""Maximum ratio of a model's trials to `trials`, for models whose trials cost almost nothing."""


class TuningTable(Strict):
    """The [tuning] table of a suite.

    Attributes:
        trials: Recipes to try per model and task, on training and validation data only. The one with the best
            validation score is trained again with the seeds of the suite. Trials can be added later.
        models: Models to tune. Default: every model that has a setting to vary. To compare a model with its untuned
            self, add it under another name in [variants].
        space: The values to try, by setting: a list such as [8, 16] is a choice; { uniform = [0.0, 0.2] } and {
            log_uniform = [1e-5, 1e-3] } are ranges; { times = [0.5, 1, 2] } are multiples of the model's own value.
            Default: learning_rate, batch_size, epochs, warmup_ratio and dropout; for tfidf, baseline_penalty.
        space_for: Changes to the space for single models; a table per model.
        budget: What is equal for all models: "trials"; or the training "flops", "tokens" or "seconds". In the latter
            cases the model with the most expensive trials has `trials` of them, and each other model as many as cost
            the same, but at most ten times as many.
        sampler: "random": trials are independent, so that they run side by side and their curve has a confidence band.
            "tpe": Optuna proposes each trial from earlier ones (pip install "finetune-harness[tpe]"). "halving":
            `trials` recipes run at a fraction of their length, and the best third of them at three times that, up to
            the full length.
    """

    trials: int = Field(8, ge=1, le=1000)
    models: tuple[str, ...] = Field(())
    space: dict[str, Any] = Field({})
    space_for: dict[str, dict[str, Any]] = Field({})
    budget: Budget = "trials"
    sampler: Sampler = "random"


@dataclass(frozen=True)
class Tuning:
    """The trials and which models are tuned.

    Attributes:
        trials: Trials per model and task.
        spaces: The search space of each tuned model, by name.
        budget: The resource that is equal for all models.
        sampler: The method that chooses recipes.
    """

    trials: int
    spaces: Mapping[str, Space]
    budget: Budget = "trials"
    sampler: Sampler = "random"


def tuning_by_default(trials: int, models: Iterable[str]) -> Tuning:
    """Tuning with this many trials of each model, in the default space."""
    return Tuning(trials, {model: space_of(DEFAULT, "", []) for model in models})


def tuning_of(
    content: Mapping[str, Any] | None,
    models: Collection[str],
    where: str,
    mistakes: list[str],
    *,
    trials: int | None = None,
) -> Tuning | None:
    """Validate the tuning table of a suite's file; None if there is none, or if it has mistakes.

    Args:
        content: The table.
        models: The models of the suite.
        where: The prefix of each mistake, such as "suite.toml: ".
        mistakes: Mistakes are appended to it.
        trials: Overrides the number in the table, which may then be missing.
    """
    if content is None and trials is None:
        return None
    given = {**(content or {}), **({} if trials is None else {"trials": trials})}
    table = checked(TuningTable, given, f"{where}tuning.", mistakes)
    if table is None:
        return None
    lines = [f"{where}tuning.{line}" for line in (*_name_mistakes(table, models), *_sampler_mistakes(table))]
    space_of(table.space, f"{where}tuning.space.", lines)
    for model, own in table.space_for.items():
        space_of(own, f"{where}tuning.space_for.{model}.", lines)
    mistakes += lines
    if lines:
        return None
    common = table.space or DEFAULT
    tuned = table.models or tuple(models)
    spaces = {model: space_of({**common, **table.space_for.get(model, {})}, "", []) for model in tuned}
    return Tuning(table.trials, spaces, table.budget, table.sampler)


def tuning_of_some(table: Mapping[str, Any], models: Collection[str]) -> dict[str, Any] | None:
    """The [tuning] table without what it says of other models; None if it tunes only others."""
    names, spaces = table.get("models"), table.get("space_for")
    left = dict(table)
    if isinstance(spaces, Mapping):
        left["space_for"] = {name: space for name, space in spaces.items() if name in models}
    if isinstance(names, list):
        left["models"] = [name for name in names if name in models]
    return None if names and not left["models"] else left


def _sampler_mistakes(table: TuningTable) -> Iterator[str]:
    if table.sampler == "halving" and table.budget != "trials":
        yield (
            f'budget: "{table.budget}" is not for sampler = "halving", whose rounds are equal for all models. '
            'Leave it out, or use sampler = "random".'
        )


def _name_mistakes(table: TuningTable, models: Collection[str]) -> Iterator[str]:
    for key, names in (("models", table.models), ("space_for", table.space_for)):
        for name in names:
            if models and name not in models:
                yield f"{key}: {name!r} is not among this suite's models.{nearest(name, models)}"
    for name in table.space_for:
        if table.models and name in models and name not in table.models:
            yield f"space_for.{name}: the model is not tuned. Add it to tuning.models, or leave the table out."
