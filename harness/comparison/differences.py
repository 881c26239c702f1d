"""The difference between two models, with its effect sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.comparison.claims import Claims
from harness.comparison.effects import Within, flips, run_wins
from harness.comparison.results import Difference
from harness.comparison.statistics import Floats


def difference_of(
    claims: Claims,
    values: Mapping[str, Sequence[Floats] | None],
    model: str,
    opponent: str | None,
    within: Within | None = None,
) -> Difference | None:
    """The difference of `model` from `opponent`; None if either has no score or they are the same.

    Args:
        claims: The claims about the task's models.
        values: For each model, the value of each test example [examples] in each scored seed; None if the metric has no
            such values.
        model: The name of a model.
        opponent: The name of another one.
        within: The result of the tests against the task's margin.
    """
    found = claims.difference(model, opponent)
    if found is None or found.estimate is None:
        return found
    one, other = claims.models[model], claims.models[found.against]
    ours, theirs = values[model], values[found.against]
    return replace(
        found,
        # If only some runs collapsed, the scores are bimodal and far from normal.
        run_wins=None if one.is_mixed or other.is_mixed else run_wins(one.evidence, other.evidence, claims.sign),
        flips=None if ours is None or theirs is None else flips(ours, theirs, claims.sign),
        within=within,
    )
