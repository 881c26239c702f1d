"""Differences between models, with their effect sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.comparison.claims import Claims
from harness.comparison.effects import flips, run_wins
from harness.comparison.margins import WithinMargin
from harness.comparison.results import Difference
from harness.comparison.statistics import Floats


@dataclass(frozen=True, slots=True)
class Differences:
    """The inputs for differences between a task's models.

    Attributes:
        claims: The claims about the models.
        values: For each model, the value of each test example [examples] in each scored seed; None if the metric has no
            such values.
        within: Results for the task's margin, against the baseline.
    """

    claims: Claims
    values: Mapping[str, Sequence[Floats] | None]
    within: WithinMargin

    def from_baseline(self, model: str, baseline: str | None) -> Difference | None:
        """The difference of `model` from the baseline; None if either has no score or they are the same."""
        found = self.of(model, baseline)
        return None if found is None else replace(found, within=self.within.from_baseline.get(model))

    def of(self, model: str, opponent: str | None) -> Difference | None:
        """The difference of `model` from `opponent`; None in the same cases."""
        found = self.claims.difference(model, opponent)
        if found is None or found.estimate is None:
            return found
        one, other = self.claims.models[model], self.claims.models[found.against]
        ours, theirs, sign = self.values[model], self.values[found.against], self.claims.sign
        return replace(
            found,
            # If only some runs collapsed, the scores are bimodal and far from normal.
            run_wins=None if one.is_mixed or other.is_mixed else run_wins(one.evidence, other.evidence, sign),
            flips=None if ours is None or theirs is None else flips(ours, theirs, sign),
        )
