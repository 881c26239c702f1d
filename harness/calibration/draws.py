"""Simulated models: the results of their runs, and their expected scores over all examples and seeds.

A run's quality on an example is the sum of the model's skill, the example's ease, which all models share, an effect of
model and example, the luck of the seed, and chance. Examples of the same group share a part of their ease, and of the
effect of model and example. The task type determines the predictions of such a run (`harness.task_types.simulated`).
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
"""Standard deviations of the ease of an example, of the effect of model and example, and of chance."""
IN_COMMON = 0.3
"""The fraction of the variance of the first two that examples of the same group share."""
NODES, MANY = 15, 60_000
"""The number of values of luck, and of examples for each, over which an expected score is computed."""


@cache
def simulations() -> Mapping[str, Simulation]:
    """Return the simulations of all metrics of tasks, by name."""
    return {
        name: simulation
        for task_type in TASK_TYPES.names()
        for name, simulation in TASK_TYPES.load(task_type).simulations().items()
    }


def simulation_of(metric: str) -> Simulation:
    """Return the simulation for a metric.

    Raises:
        UserError: If there is none.
    """
    known = simulations()
    if metric not in known:
        raise UserError(f"{metric!r}: no simulation for this metric.{nearest(metric, known)}")
    return known[metric]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The runs of a simulated model.

    Attributes:
        evidence: The results of the runs.
        collapsed: Which of them collapsed [runs].
    """

    evidence: Evidence
    collapsed: NDArray[np.bool_]

    def first(self, runs: int) -> Evidence:
        """Return the evidence of the first runs."""
        return self.of(np.arange(len(self.collapsed)) < runs)

    def of(self, chosen: NDArray[np.bool_]) -> Evidence:
        """Return the evidence of the chosen runs [runs]."""
        whole = self.evidence
        return replace(whole, scores=whole.scores[chosen], contributions=whole.contributions[chosen])


def drawn(rng: Generator, setting: Setting, lucks: Sequence[Luck]) -> list[Drawn]:
    """Draw the runs of equally good models, one model for each of `lucks`, on the same test set."""
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
    """Compute the expected score of a model over all seeds and examples, to a tenth of a point or better."""
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
    """Compute scores on very many examples by luck, and the weight of each [nodes] (Gauss-Hermite quadrature)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    scores = []
    for node in nodes:
        quality = skill + spread * node + sqrt(SHARED**2 + OWN**2 + CHANCE**2) * rng.normal(size=examples)
        scores.append(simulation.scored(rng, simulation.references(rng, examples), quality)[0])
    return np.array(scores), weights / weights.sum()


def _as_good(skill: float, luck: Luck) -> float:
    """Return the skill that compensates for the mean loss by luck, where a run's label is right above 0."""
    steady = SHARED**2 + OWN**2 + CHANCE**2
    return skill * sqrt(1 + luck.spread**2 / steady)


def _in_groups(rng: Generator, clusters: NDArray[np.intp]) -> Floats:
    """Draw standard normal numbers that are correlated within groups [examples]."""
    alone = rng.normal(size=len(clusters))
    groups = int(clusters[-1]) + 1
    if groups == len(clusters):
        return alone
    return sqrt(IN_COMMON) * rng.normal(size=groups)[clusters] + sqrt(1 - IN_COMMON) * alone


def _run(
    rng: Generator, simulation: Simulation, references: object, own: Floats, luck: Luck
) -> tuple[float, Floats, bool]:
    """Simulate the score of one run, each example's influence on it [examples], and whether it collapsed."""
    if luck.collapse and simulation.collapsed is not None and rng.random() < luck.collapse:
        return *simulation.collapsed(references), True
    quality = own + luck.spread * rng.normal() + CHANCE * rng.normal(size=len(own))
    return *simulation.scored(rng, references, quality), False


def _evidence(runs: Sequence[tuple[float, Floats]], clusters: NDArray[np.intp]) -> Evidence:
    scores, influences = zip(*runs, strict=True)
    sizes = np.bincount(clusters)
    contributions = np.stack([np.bincount(clusters, weights=one) for one in influences]) / len(clusters)
    return Evidence(np.array(scores), contributions, shares=sizes / len(clusters))
