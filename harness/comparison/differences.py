"""A model's difference from another one, with all that is told of its size."""

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
    """What differences of a task's models are told with.

    Attributes:
        claims: What is shown of the models.
        values: By model, each test example's value [examples] in each scored seed; None where the metric has no such
            thing.
        within: What is shown by the task's margin, against the baseline.
    """

    claims: Claims
    values: Mapping[str, Sequence[Floats] | None]
    within: WithinMargin

    def from_baseline(self, model: str, baseline: str | None) -> Difference | None:
        """How far `model` is from the baseline; None where either has no score, or they are the same."""
        found = self.of(model, baseline)
        return None if found is None else replace(found, within=self.within.from_baseline.get(model))

    def of(self, model: str, opponent: str | None) -> Difference | None:
        """How far `model` is from `opponent`; None likewise."""
        found = self.claims.difference(model, opponent)
        if found is None or found.estimate is None:
            return found
        one, other = self.claims.models[model], self.claims.models[found.against]
        ours, theirs, sign = self.values[model], self.values[found.against], self.claims.sign
        return replace(
            found,
            # The scores of runs of which some collapsed are of two sorts, and far from normal.
            run_wins=None if one.is_mixed or other.is_mixed else run_wins(one.evidence, other.evidence, sign),
            flips=None if ours is None or theirs is None else flips(ours, theirs, sign),
        )
