"""Shorten a suite: the same models and data, with fewer steps and fewer examples to score.

Short runs give results in minutes if full ones would take hours. They are a suite of their own, so that they can't be
mistaken for full runs, and `suite.json` states that they are short, so that no recommendation is based on them for
good. They are on the same task, so that forecasts of full runs learn from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.config.training import Training
from harness.suites.suite import Suite


@dataclass(frozen=True, slots=True)
class Short:
    """The length of short runs.

    Attributes:
        steps: Maximum number of optimizer steps.
        examples: Maximum number of test examples and of validation examples.
    """

    steps: int
    examples: int

    def __str__(self) -> str:
        return f"at most {self.steps} steps, scored on at most {self.examples} test examples"


LADDER = (Short(800, 500), Short(400, 400), Short(200, 300), Short(100, 200), Short(50, 200), Short(25, 100))
"""From longest to shortest, each about half the previous one."""


def shortened(suite: Suite, short: Short) -> Suite:
    """The suite with short runs, with its recipes as before any trials and the seeds of its first look.

    More seeds would take time from full runs, which the short ones only stand in for.
    """
    seeds = suite.seeds if suite.rule is None else suite.rule.seeds[: suite.rule.looks[0]]
    return replace(
        suite,
        name=f"{suite.name}-{short.steps}-steps",
        description=f"Short runs: {short}.",
        short_runs=str(short),
        seeds=seeds,
        rule=None,
        recipes={which: cut(recipe, short) for which, recipe in suite.recipes.items()},
        tuning=None,
    )


def cut(recipe: Training, short: Short) -> Training:
    """The recipe for short runs; smaller limits stay as they are."""
    most: Mapping[str, Any] = {"validation_examples": short.examples, "test_examples": short.examples}
    if recipe.method != "probe":  # It takes no steps.
        most = {**most, "maximum_steps": short.steps}
    given = {name: getattr(recipe, name) for name in most}
    return recipe.model_copy(
        update={name: limit if given[name] is None else min(limit, given[name]) for name, limit in most.items()}
    )
