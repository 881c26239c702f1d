"""A suite made short: the same models on the same data, for fewer steps and scored on fewer examples.

Short runs answer within minutes if full ones would take hours. They are a suite of their own, so that none of them is
taken for a full run, on the same task, so that forecasts of full runs learn from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.config.training import Training
from harness.suites.suite import Suite


@dataclass(frozen=True, slots=True)
class Short:
    """How long short runs are.

    Attributes:
        steps: Most optimiser steps.
        examples: Most test examples, and most validation examples.
    """

    steps: int
    examples: int

    def __str__(self) -> str:
        return f"at most {self.steps} steps, scored on at most {self.examples} test examples"


LADDER = (Short(800, 500), Short(400, 400), Short(200, 300), Short(100, 200), Short(50, 200), Short(25, 100))
"""From the longest to the shortest, each about half of the one before."""


def shortened(suite: Suite, short: Short) -> Suite:
    """The suite with short runs, its recipes as they stand before any trials."""
    return replace(
        suite,
        name=f"{suite.name}-{short.steps}-steps",
        description=f"Short runs: {short}.",
        recipes={which: cut(recipe, short) for which, recipe in suite.recipes.items()},
        tuning=None,
    )


def cut(recipe: Training, short: Short) -> Training:
    """The recipe for short runs; what is shorter already stays as it is."""
    most: Mapping[str, Any] = {"validation_examples": short.examples, "test_examples": short.examples}
    if recipe.method != "probe":  # It takes no steps.
        most = {**most, "maximum_steps": short.steps}
    given = {name: getattr(recipe, name) for name in most}
    return recipe.model_copy(
        update={name: limit if given[name] is None else min(limit, given[name]) for name, limit in most.items()}
    )
