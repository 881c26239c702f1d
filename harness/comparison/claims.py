"""Claims about differences between a task's models, from one family of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

from harness.comparison.collapse import chance_of_all_or_none
from harness.comparison.effects import Difference, Within, flips, run_wins
from harness.comparison.multiplicity import Ahead, at_level, step_down
from harness.comparison.pairs import one_sided_p_values
from harness.comparison.statistics import SIGNIFICANCE, Estimate, Evidence, Floats, Part, difference
from harness.comparison.typical_seeds import typical_seeds


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """The evidence about a model's score.

    Attributes:
        evidence: The evidence of the model's runs.
        basis: The test set, and the units that scores are per, such as tokens of one tokenizer. Only models with the
            same basis are compared.
        constant_runs: Number of runs that gave the same answer to all test examples.
        is_mixed: Whether only some runs collapsed, so that the mean has no interval.
        values: The value of each test example [examples] for each run; None if the metric has no such values.
    """

    evidence: Evidence
    basis: tuple[str, str | None]
    constant_runs: int = 0
    is_mixed: bool = False
    values: Sequence[Floats] | None = None

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.evidence.scores)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims about a task's models. Every statement about two of them is taken from here.

    Attributes:
        models: Every model with a score.
        ahead: Which models of the family are shown to be ahead of which.
        typical: The variance that seeds add to a run of the median model.
        sign: -1 if lower scores are better.
        level: The two-sided significance level.
    """

    models: Mapping[str, ScoredModel]
    ahead: Ahead
    typical: Part | None
    sign: int
    level: float = SIGNIFICANCE

    def is_compared(self, model: str) -> bool:
        """Return whether the model is in the family and was tested against another model."""
        return model in self.ahead.compared

    def beaten_by(self, model: str) -> tuple[str, ...]:
        """The models that are shown to be ahead of `model`."""
        return self.ahead.ahead_of(model) if model in self.ahead.models else ()

    def p_behind(self, model: str) -> dict[str, float]:
        """The adjusted p-value for each model that is shown to be ahead of `model`."""
        return {winner: self.ahead.p_value(winner, model) for winner in self.beaten_by(model)}

    def difference(self, model: str, opponent: str | None, within: Within | None = None) -> Difference | None:
        """The difference of `model` from `opponent`; None if either has no score or they are the same.

        Args:
            model: The name of a model.
            opponent: The name of another one.
            within: The result of the tests against the task's margin.
        """
        if opponent is None or model == opponent or not {model, opponent} <= self.models.keys():
            return None
        ours, theirs = self.models[model], self.models[opponent]
        if ours.basis != theirs.basis:
            return Difference(against=opponent, estimate=None, adjusted_p=None, gain=None)
        estimate, wins = difference(ours.evidence, theirs.evidence, typical=self.typical, miss=self.level), None
        if ours.is_mixed or theirs.is_mixed:  # The scores are bimodal and far from normal.
            estimate = replace(estimate, low=None, high=None)
        else:
            wins = run_wins(ours.evidence, theirs.evidence, self.sign)
        return Difference(
            against=opponent,
            estimate=estimate,
            adjusted_p=self._adjusted(model, opponent, estimate),
            gain=self.sign * estimate.value,
            run_wins=wins,
            flips=None
            if ours.values is None or theirs.values is None
            else flips(ours.values, theirs.values, self.sign),
            within=within,
        )

    def _adjusted(self, model: str, opponent: str, estimate: Estimate) -> float | None:
        """The adjusted p-value of the better side; None unless both are in the family and were tested."""
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
        family: The models that claims are made about.
        sign: -1 if lower scores are better.
        level: The two-sided level of the family. Adjusted p-values are scaled so that 0.05 corresponds to it, and
            intervals are widened accordingly.
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
    """Group the models of the family that may be compared."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for name in family:
        groups.setdefault(models[name].basis, []).append(name)
    return list(groups.values())


def _by_collapse(ahead: ScoredModel, behind: ScoredModel) -> float:
    """The smallest p-value that collapsed runs allow: a claim must also hold if both models collapse equally often."""
    if ahead.constant_runs or not behind.constant_runs == behind.runs > 0:
        return 0.0
    return chance_of_all_or_none(ahead.runs, behind.runs)
