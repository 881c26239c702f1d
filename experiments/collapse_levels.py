"""How often equally good models are told apart if some of their runs collapse: a table of docs/statistics.md.

    python -m experiments.collapse_levels        # three minutes of one core

A collapsed run gives one answer to all of 400 examples, and half of them have this label. The other runs are drawn as
in `experiments.family_levels`, with a standard deviation over seeds of one point of accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from experiments.family_levels import drawn
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.statistics import Evidence, mean

EXAMPLES = 400
ALIKE = (np.arange(EXAMPLES) % 2).astype(float)


def scored(rng: np.random.Generator, models: int, seeds: int, rate: float) -> list[ScoredModel]:
    """Models each of whose runs collapses with probability `rate`."""
    found = []
    for evidence in drawn(rng, [1.0] * models, seeds, 0.0, EXAMPLES):
        collapsed = rng.random(seeds) < rate
        scores = np.where(collapsed, ALIKE.mean(), evidence.scores)
        moved = np.where(collapsed[:, None], (ALIKE - ALIKE.mean()) / EXAMPLES, evidence.contributions)
        found.append(ScoredModel(Evidence(scores, moved), ("the test set", None), constant_runs=int(collapsed.sum())))
    return found


def wrong(models: int, seeds: int, rate: float, draws: int) -> tuple[float, float]:
    """How often some model is said to be behind: by the t test alone, and as it is done."""
    rng = np.random.default_rng(0)
    alone = both = 0
    for _ in range(draws):
        found = {str(number): one for number, one in enumerate(scored(rng, models, seeds, rate))}
        without = {name: replace(one, constant_runs=0) for name, one in found.items()}
        alone += any(claims_about(without, list(found), 1).beaten_by(name) for name in found)
        both += any(claims_about(found, list(found), 1).beaten_by(name) for name in found)
    return alone / draws, both / draws


def covered(seeds: int, rate: float, draws: int) -> float:
    """How often the usual interval of the mean over all runs holds its true value."""
    rng = np.random.default_rng(1)
    truth = rate * ALIKE.mean() + (1 - rate) * 0.75
    held = 0
    for _ in range(draws):
        (model,) = scored(rng, 1, seeds, rate)
        found = mean(model.evidence, least=0.0, most=1.0)
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    return held / draws


def main(draws: Annotated[int, typer.Option(help="Comparisons a row.")] = 400) -> None:
    """Print the table."""
    typer.echo("| models | seeds | runs that collapse | by the t test alone | as it is done | mean of all covered |")
    typer.echo("| --- | --- | --- | --- | --- | --- |")
    for models, seeds in ((2, 2), (2, 3), (6, 3), (6, 5)):
        for rate in (0.2, 0.5):
            alone, both = (f"{100 * found:.1f} %" for found in wrong(models, seeds, rate, draws))
            held = f"{100 * covered(seeds, rate, draws):.1f} %"
            typer.echo(f"| {models} | {seeds} | {rate:.0%} | {alone} | {both} | {held} |")


if __name__ == "__main__":
    typer.run(main)
