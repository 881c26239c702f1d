"""Claims: a task's models compared with each other, and what that shows, from one family of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

from harness.comparison.collapse import chance_of_all_or_none
from harness.comparison.multiplicity import Ahead, at_level, step_down
from harness.comparison.pairs import one_sided_p_values
from harness.comparison.results import Difference
from harness.comparison.statistics import SIGNIFICANCE, Estimate, Evidence, Part, difference
from harness.comparison.typical_seeds import typical_seeds


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model's evidence, and what it is of.

    Attributes:
        evidence: What its runs say of its score.
        basis: The test set, and what scores are per, such as one tokenizer's tokens. Only models with the same one are
            compared.
        constant_runs: How many of its runs gave one answer to all test examples.
        is_mixed: Whether some of its runs collapsed and others did not, so that its mean has no interval.
    """

    evidence: Evidence
    basis: tuple[str, str | None]
    constant_runs: int = 0
    is_mixed: bool = False

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self.evidence.scores)


@dataclass(frozen=True, slots=True)
class Claims:
    """What may be said of a task's models. Whatever is said of two of them is taken from here.

    Attributes:
        models: Every model with a score.
        ahead: Which of the family are shown to be ahead of which.
        typical: What seeds add to a run of the median model.
        sign: -1 where less is better.
        level: Two-sided; a difference is claimed below it.
    """

    models: Mapping[str, ScoredModel]
    ahead: Ahead
    typical: Part | None
    sign: int
    level: float = SIGNIFICANCE

    def is_compared(self, model: str) -> bool:
        """Whether anything could be shown of it: it is in the family, and was tested against another model."""
        return model in self.ahead.models and self.ahead.is_compared(model)

    def beaten_by(self, model: str) -> tuple[str, ...]:
        """The models that are shown to be ahead of `model`."""
        return self.ahead.ahead_of(model) if model in self.ahead.models else ()

    def p_behind(self, model: str) -> dict[str, float]:
        """The adjusted p-value by each model that is shown to be ahead of `model`."""
        return {winner: self.ahead.p_value(winner, model) for winner in self.beaten_by(model)}

    def difference(self, model: str, opponent: str | None) -> Difference | None:
        """How far `model` is from `opponent`; None where either has no score, or they are the same."""
        if opponent is None or model == opponent or not {model, opponent} <= self.models.keys():
            return None
        pair = self.models[model], self.models[opponent]
        estimate = _estimate(*pair, self.typical, self.level)
        if estimate is not None and any(one.is_mixed for one in pair):
            estimate = replace(estimate, low=None, high=None)
        return Difference(
            against=opponent,
            estimate=estimate,
            adjusted_p=None if estimate is None else self._adjusted(model, opponent, estimate),
            gain=None if estimate is None else self.sign * estimate.value,
        )

    def _adjusted(self, model: str, opponent: str, estimate: Estimate) -> float | None:
        """Of the side that is ahead, in the family; None where the two are not both in it, or were not tested."""
        if estimate.p_value is None or not {model, opponent} <= {*self.ahead.models}:
            return None
        winner, loser = (model, opponent) if self.sign * estimate.value > 0 else (opponent, model)
        return self.ahead.p_value(winner, loser)


def claims_about(
    models: Mapping[str, ScoredModel], family: Sequence[str], sign: int, *, level: float = SIGNIFICANCE
) -> Claims:
    """Compare models.

    Args:
        models: Every model with a score.
        family: Those among them that claims are made about.
        sign: -1 where less is better.
        level: That of the family, two-sided; adjusted p-values are made such that 0.05 stands for it, and intervals
            are as wide as it asks for.
    """
    typical = typical_seeds([models[name].evidence for name in family])
    one_sided: dict[tuple[str, str], float] = {}
    for names in _with_one_basis(models, family):
        found = one_sided_p_values([models[name].evidence for name in names], typical, sign).tolist()
        for winner, row in zip(names, found, strict=True):
            one_sided |= {
                (winner, loser): max(p, _by_collapse(models[winner], models[loser]))
                for loser, p in zip(names, row, strict=True)
                if not isnan(p)
            }
    return Claims(models, at_level(step_down(family, one_sided), level), typical, sign, level)


def _with_one_basis(models: Mapping[str, ScoredModel], family: Sequence[str]) -> Sequence[Sequence[str]]:
    """The family's models, together where they may be compared."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for name in family:
        groups.setdefault(models[name].basis, []).append(name)
    return list(groups.values())


def _by_collapse(ahead: ScoredModel, behind: ScoredModel) -> float:
    """The least p-value that collapsed runs allow: a claim must hold against "they collapse alike", too."""
    if ahead.constant_runs or not behind.constant_runs == behind.runs > 0:
        return 0.0
    return chance_of_all_or_none(ahead.runs, behind.runs)


def _estimate(ours: ScoredModel, theirs: ScoredModel, typical: Part | None, level: float) -> Estimate | None:
    if ours.basis != theirs.basis:
        return None
    return difference(ours.evidence, theirs.evidence, typical=typical, miss=level)
