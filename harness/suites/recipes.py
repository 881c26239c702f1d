"""The recipes of a suite: for each model on each task, at each value of a varied setting; and variants of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from harness.config.model import ModelConfig
from harness.config.training import Training, recipe_of
from harness.suites.varied import at_values, varied_task, without_lists
from harness.varied import Varied

Table = Mapping[str, Any]
MODEL = "model"  # In a variant's table; its other keys are training settings.
VariedTasks = Mapping[str, tuple[Varied, ...]]


def _checked(given: Any) -> Any:
    for name, variant in given.items() if isinstance(given, Mapping) else ():
        known = variant.get(MODEL) if isinstance(variant, Mapping) else variant
        if not isinstance(known, str):
            raise ValueError(  # noqa: TRY004 -- what pydantic collects
                f"{name!r} must be a model's name in quotes, or a table with one and settings of the recipe, "
                'such as { model = "minilm", frozen = "encoder" }'
            )
    return given


Variants = Annotated[dict[str, str | dict[str, Any]], BeforeValidator(_checked)]


@dataclass(frozen=True)
class RecipeLayers:
    """The training settings in a suite, from general to specific.

    Attributes:
        file: The suite's file.
        training: Settings of all runs.
        training_on: Settings by task.
        variants: Settings by variant.
        training_for: Settings by model.
        overrides: Settings from the command line.
    """

    file: Path
    training: Table
    training_on: Mapping[str, Table]
    variants: Mapping[str, str | Table]
    training_for: Mapping[str, Table]
    overrides: Table

    def varied(self, tasks: Sequence[str], mistakes: list[str]) -> dict[str, tuple[Varied, ...]]:
        """The values of a varied setting by task; mistakes are appended to `mistakes`."""
        own = {f"{self.file}: training_for.{name}.": table for name, table in self.training_for.items()}
        own |= {f"{self.file}: variants.{name}.": _recipe_part(name, self.variants) for name in self.variants}
        return {
            task: varied_task(
                task,
                {
                    f"{self.file}: training.": self.training,
                    f"{self.file}: training_on.{task}.": self.training_on.get(task, {}),
                    "--set ": self.overrides,
                },
                own,
                mistakes,
            )
            for task in tasks
        }

    def recipes(
        self, models: Mapping[str, ModelConfig], varied: VariedTasks, mistakes: list[str]
    ) -> dict[tuple[str, str], Training]:
        """Resolve recipes by task (with the varied value) and model; mistakes are appended to `mistakes`."""
        found = {}
        for task, (name, model) in product(varied, models.items()):
            for at_value, values in at_values(task, varied[task]).items():
                recipe = recipe_of(self._layers(task, name, model, at_value, values), mistakes)
                if recipe is not None:
                    found[at_value, name] = recipe
        return found

    def _layers(self, task: str, name: str, model: ModelConfig, at_value: str, values: Table) -> dict[str, Table]:
        return {
            f"{self.file}: training.": without_lists(self.training),
            f"{name}: training.": model.training,
            f"{self.file}: training_on.{task}.": without_lists(self.training_on.get(task, {})),
            f"{self.file}: variants.{name}.": without_lists(_recipe_part(name, self.variants)),
            f"{self.file}: training_for.{name}.": without_lists(self.training_for.get(name, {})),
            f"{self.file}: {at_value}: ": values,
            "--set ": without_lists(self.overrides),
        }


def original(name: str, variants: Mapping[str, Any]) -> str:
    """The name of the model behind a variant; for any other model, its own name."""
    variant = variants.get(name, name)
    return str(variant[MODEL] if isinstance(variant, Mapping) else variant)


def _recipe_part(name: str, variants: Mapping[str, Any]) -> dict[str, Any]:
    """The training settings in a variant's table; empty for any other model."""
    variant = variants.get(name)
    return {key: value for key, value in variant.items() if key != MODEL} if isinstance(variant, Mapping) else {}
