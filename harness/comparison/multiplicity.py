"""Which models are shown to be behind others: one family of comparisons, the source of all claims about a task.

"Model j is among the best" is one hypothesis per model; the evidence against it is the comparison in which another
model is furthest ahead of it (multiple comparisons with the best: Gupta 1965, "On some multiple decision rules"; Hsu
1981, "Simultaneous confidence intervals for all distances from the best"). Gupta's own level leaves out one of six
equally good models in 14 to 30 % of simulated comparisons, because it holds for a single best model. So the hypotheses
are tested by step-down, least tenable first (Holm 1979), each at the level that holds if all remaining models tie.

"Model i is better than every other one" is tested in addition. Each of its comparisons must show it, so no adjustment
for their number is needed (Berger 1982, "Multiparameter hypothesis testing and acceptance sampling"); the model was
chosen by the same scores, so the test is two-sided (Gutmann and Maymin 1987, "Is the selected population the
best?"; Hung and Fithian 2019, "Rank verification for exponential families").

A model is called ahead of another only if the latter is shown not to be the best by that very comparison or one that is
at least as strong. So no two sentences can contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.comparison.statistics import SIGNIFICANCE, Floats

SOLE_BEST = 0.8
"""The share of the family's level for the claim that a model is better than every other one.

At the full level, one of two equally good models, ahead of four others, is falsely called better in 5 % of cases, in
addition to false claims about the four. With this share, some claim is false in about 5 %, and in up to 8 % if the seed
effects of the two differ much (`python -m experiments.family_levels`).
"""
_GRID = np.linspace(-8.0, 8.0, 161)
_DENSITY = np.exp(-(_GRID**2) / 2) / np.sqrt(2 * np.pi) * (_GRID[1] - _GRID[0])


@dataclass(frozen=True, slots=True)
class Ahead:
    """The results for every ordered pair of models.

    Attributes:
        models: The names of the models.
        p_values: Adjusted one-sided p-values of "the column's model is at least as good as the row's" [models, models];
            1 on the diagonal and for pairs that were not compared.
        compared: The models that were compared with any other.
    """

    models: tuple[str, ...]
    p_values: Floats
    compared: frozenset[str]

    def ahead_of(self, model: str) -> tuple[str, ...]:
        """The models that are shown to be ahead of `model`."""
        column = self.p_values[:, self.models.index(model)]
        return tuple(name for name, p in zip(self.models, column.tolist(), strict=True) if p < SIGNIFICANCE)

    def p_value(self, winner: str, loser: str) -> float:
        """The adjusted p-value of `winner` being ahead of `loser`."""
        return float(self.p_values[self.models.index(winner), self.models.index(loser)])


def step_down(
    models: Sequence[str], one_sided: Mapping[tuple[str, str], float], *, sole_best: float = SOLE_BEST
) -> Ahead:
    """Adjust the p-values of all ordered pairs.

    Args:
        models: The family: every model of the task that may be claimed about.
        one_sided: By (winner, loser), the unadjusted p-value of the winner being ahead; both orders of every compared
            pair.
        sole_best: The share of the level for a model that is better than every other one; above 0.
    """
    count, places = len(models), {model: place for place, model in enumerate(models)}
    raw = np.ones((count, count))
    for (winner, loser), p in one_sided.items():
        raw[places[winner], places[loser]] = p
    adjusted, running = np.ones_like(raw), 0.0
    order = np.argsort(raw.min(axis=0, initial=1.0), kind="stable").tolist()
    for step, loser in enumerate(order[:-1]):  # One model is the best, so the last one is never shown not to be.
        adjusted[:, loser] = np.maximum(family_errors(raw[:, loser], count - step, count), running)
        running = float(adjusted[:, loser].min())
    return Ahead(
        tuple(models), np.minimum(adjusted, _sole_best(raw, sole_best)), frozenset(winner for winner, _ in one_sided)
    )


def _sole_best(raw: Floats, share: float) -> Floats:
    """The p-values of "the row's model is better than every other one", for each comparison [models, models]."""
    itself = np.eye(len(raw), dtype=bool)
    weakest = np.where(itself, 0.0, raw).max(axis=1, initial=0.0)
    return np.where(itself, 1.0, np.minimum(2 * weakest / share, 1.0)[:, None])


def at_level(ahead: Ahead, level: float) -> Ahead:
    """Scale p-values so that the usual 5 % corresponds to `level`."""
    if level == SIGNIFICANCE:
        return ahead
    return replace(ahead, p_values=np.minimum(ahead.p_values * (SIGNIFICANCE / level), 1.0))


def family_error(p: float, tied: int, models: int) -> float:
    """`family_errors` for one p-value."""
    return float(family_errors(np.array([p]), tied, models)[0])


def family_errors(p_values: Floats, tied: int, models: int) -> Floats:
    """The probability that any model seems ahead of one of the best at each level, though none is [levels].

    Estimates are assumed independent and equally precise, as for the studentised range (Tukey 1953): with c the
    normal quantile at p, times the root of two, this is P(max over all models - min over the tied ones > c).

    Args:
        p_values: One-sided p-values of one comparison each [levels].
        tied: Number of models that are the best; the others are equally good, which is the least favourable case.
        models: Number of models compared.
    """
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 -- only comparing needs it

    found = np.ones(len(p_values))
    ahead = p_values < 0.5
    levels = p_values[ahead]
    above = ndtr(_GRID - ndtri(levels)[:, None] * np.sqrt(2))
    within = above - ndtr(_GRID)
    none = (within ** (tied - 1) * above ** (models - tied)) @ (_DENSITY * tied)
    found[ahead] = np.clip(1.0 - none, levels, 1.0)
    return found
