"""How often the interval of the best of equally good models contains its true accuracy: a table of docs/statistics.md.

    python -m experiments.best_of_levels        # a minute of one core

Models are drawn as in `experiments.family_levels`, all with the same true accuracy.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from experiments.family_levels import ACCURACY, drawn
from harness.comparison.claims import ScoredModel
from harness.comparison.selection import best_of
from harness.comparison.statistics import mean
from harness.metrics.metric import PERCENT

LUCK = {"none": 0.0, "1 point": 1.0, "2 points": 2.0, "8 points": 8.0}


def rates(models: int, points: float, draws: int, seeds: int) -> tuple[float, float]:
    """How often the usual interval covers, and how often the one that allows for the choice."""
    rng = np.random.default_rng(0)
    usual = allowing = 0
    for _ in range(draws):
        scored = {
            str(number): ScoredModel(evidence, ("the test set", None))
            for number, evidence in enumerate(drawn(rng, [points] * models, seeds, 0.0))
        }
        best = max(scored.values(), key=lambda one: float(one.evidence.scores.mean()))
        plain, found = mean(best.evidence, least=0.0, most=1.0), best_of(scored, list(scored), 1, PERCENT)
        assert plain.low is not None
        assert plain.high is not None
        assert found is not None
        usual += plain.low <= ACCURACY <= plain.high
        allowing += found.low <= ACCURACY <= found.high
    return usual / draws, allowing / draws


def main(
    draws: Annotated[int, typer.Option(help="Comparisons a row.")] = 1000,
    seeds: Annotated[int, typer.Option(help="Seeds of each model.")] = 3,
) -> None:
    """Print the table."""
    typer.echo("| equally good models | seeds' effect | usual interval of the best one | allowing for the choice |")
    typer.echo("| --- | --- | --- | --- |")
    for models in (2, 6, 20):
        for name, points in LUCK.items():
            usual, allowing = rates(models, points, draws, seeds)
            typer.echo(f"| {models} | {name} | {100 * usual:.1f} % | {100 * allowing:.1f} % |")


if __name__ == "__main__":
    typer.run(main)
