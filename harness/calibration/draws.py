"""Made-up models: what their runs say, and what they would score on all examples with all seeds.

A run's quality on an example is the model's skill, and beside it the example's ease, which all models share, what the
model makes of it, the seed's luck, and chance. Examples of one group have a part of their ease in common, and of what a
model makes of them. The task type says what such a run predicts (`harness.task_types.simulated`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from harness.calibration.setting import Luck, Setting
from harness.comparison.statistics import Evidence
from harness.errors import UserError, nearest
from harness.metrics.metric import Floats
from harness.registry import TASK_TYPES
from harness.task_types.simulated import Generator, Simulation

SHARED, OWN, CHANCE = 1.0, 0.5, 0.6
"""Standard deviations of an example's ease, of what a model makes of it, and of chance."""
IN_COMMON = 0.3
"""Share of the variance of the former two that examples of one group have in common."""
NODES, MANY = 15, 60_000
"""Kinds of luck, and examples for each, that an expected score is taken over."""


@cache
def simulations() -> Mapping[str, Simulation]:
    """The made-up predictions of every metric that a task can have, by name."""
    return {
        name: simulation
        for task_type in TASK_TYPES.names()
        for name, simulation in TASK_TYPES.load(task_type).simulations().items()
    }


def simulation_of(metric: str) -> Simulation:
    """The made-up predictions that a metric is tried on.

    Raises:
        UserError: There are none.
    """
    known = simulations()
    if metric not in known:
        raise UserError(f"{metric!r}: no made-up predictions are known for this metric.{nearest(metric, known)}")
    return known[metric]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A made-up model's runs.

    Attributes:
        evidence: What they say.
        collapsed: Which of them collapsed [runs].
    """

    evidence: Evidence
    collapsed: NDArray[np.bool_]

    def first(self, runs: int) -> Evidence:
        """What so many of the runs say."""
        return self.of(np.arange(len(self.collapsed)) < runs)

    def of(self, chosen: NDArray[np.bool_]) -> Evidence:
        """What the chosen runs say [runs]."""
        whole = self.evidence
        return replace(whole, scores=whole.scores[chosen], contributions=whole.contributions[chosen])


def drawn(rng: Generator, setting: Setting, lucks: Sequence[Luck]) -> list[Drawn]:
    """The runs of equally good models, one model for each of `lucks`, on one test set."""
    simulation, clusters = simulation_of(setting.metric), setting.clusters
    references = simulation.references(rng, setting.examples)
    ease = SHARED * _in_groups(rng, clusters)
    models = []
    for luck in lucks:
        own = _as_good(setting.skill, luck) + ease + OWN * _in_groups(rng, clusters)
        runs = [_run(rng, simulation, references, own, luck) for _ in range(setting.seeds)]
        collapsed = np.array([has_collapsed for _, _, has_collapsed in runs])
        models.append(Drawn(_evidence([(score, influences) for score, influences, _ in runs], clusters), collapsed))
    return models


def expected_score(setting: Setting) -> float:
    """What a model would score on average over all seeds and examples; right to a tenth of a point and better."""
    return _expected(setting.metric, setting.skill, setting.luck.spread, setting.luck.collapse)


@cache
def _expected(metric: str, skill: float, spread: float, collapse: float) -> float:
    simulation, rng = simulation_of(metric), np.random.default_rng(0)
    scores, weights = spread_scores(simulation, skill, spread, rng, MANY)
    score = float(scores @ weights)
    if not collapse or simulation.collapsed is None:
        return score
    return (1 - collapse) * score + collapse * simulation.collapsed(simulation.references(rng, NODES * MANY))[0]


def spread_scores(
    simulation: Simulation, skill: float, spread: float, rng: Generator, examples: int
) -> tuple[Floats, Floats]:
    """Scores on very many examples by luck, and how likely each is [nodes] (Gauss-Hermite quadrature)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    scores = []
    for node in nodes:
        quality = skill + spread * node + sqrt(SHARED**2 + OWN**2 + CHANCE**2) * rng.normal(size=examples)
        scores.append(simulation.scored(rng, simulation.references(rng, examples), quality)[0])
    return np.array(scores), weights / weights.sum()


def _as_good(skill: float, luck: Luck) -> float:
    """The skill that makes up for what luck costs on average, where a run's label is right above 0."""
    steady = SHARED**2 + OWN**2 + CHANCE**2
    return skill * sqrt(1 + luck.spread**2 / steady)


def _in_groups(rng: Generator, clusters: NDArray[np.intp]) -> Floats:
    """Standard normal numbers, of which those of one group have a part in common [examples]."""
    alone = rng.normal(size=len(clusters))
    groups = int(clusters[-1]) + 1
    if groups == len(clusters):
        return alone
    return sqrt(IN_COMMON) * rng.normal(size=groups)[clusters] + sqrt(1 - IN_COMMON) * alone


def _run(
    rng: Generator, simulation: Simulation, references: object, own: Floats, luck: Luck
) -> tuple[float, Floats, bool]:
    """The score of one run, each example's influence on it [examples], and whether it collapsed."""
    if luck.collapse and simulation.collapsed is not None and rng.random() < luck.collapse:
        return *simulation.collapsed(references), True
    quality = own + luck.spread * rng.normal() + CHANCE * rng.normal(size=len(own))
    return *simulation.scored(rng, references, quality), False


def _evidence(runs: Sequence[tuple[float, Floats]], clusters: NDArray[np.intp]) -> Evidence:
    scores, influences = zip(*runs, strict=True)
    sizes = np.bincount(clusters)
    contributions = np.stack([np.bincount(clusters, weights=one) for one in influences]) / len(clusters)
    return Evidence(np.array(scores), contributions, shares=sizes / len(clusters))
