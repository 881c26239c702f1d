"""How often a sequential comparison errs, how often it finds a better model, and how many seeds it takes.

    python -m experiments.sequential_levels --draws 1000        # about five minutes of one core

Models are drawn as in `experiments/family_levels.py`. Looks after 3, 5 and 10 seeds are compared with single
comparisons with 3 and with 10 seeds on the same draws. All comparisons are with the first model; a claim is a
difference from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from experiments.family_levels import drawn
from harness.comparison.claims import Claims, ScoredModel, claims_about
from harness.comparison.sequential import is_futile
from harness.comparison.statistics import Evidence
from harness.suites.seeds import USUAL_LOOKS, look_levels

LEVELS = look_levels(USUAL_LOOKS)
# Of each model: the seeds' standard deviation in points; then test examples, and how much the first model is better.
REGIMES: dict[str, tuple[list[float], int, float]] = {
    "none, 250 examples": ([0.0, 0.0], 250, 0.0),
    "2 points, 250 examples": ([2.0, 2.0], 250, 0.0),
    "8 points, 250 examples": ([8.0, 8.0], 250, 0.0),
    "none, 2,000 examples": ([0.0, 0.0], 2000, 0.0),
    "2 points, 2,000 examples": ([2.0, 2.0], 2000, 0.0),
    "8 points, 2,000 examples": ([8.0, 8.0], 2000, 0.0),
    "8 points and none, 2,000 examples": ([8.0, 0.0], 2000, 0.0),
    "six models, 2 points, 2,000 examples": ([2.0] * 6, 2000, 0.0),
    "2 points, 250 examples, 6 points better": ([2.0, 2.0], 250, 6.0),
    "none, 2,000 examples, 2 points better": ([0.0, 0.0], 2000, 2.0),
    "2 points, 2,000 examples, 4 points better": ([2.0, 2.0], 2000, 4.0),
    "six models, 2 points, 2,000 examples, 5 points better": ([2.0] * 6, 2000, 5.0),
}


def first(models: Sequence[Evidence], seeds: int) -> dict[str, ScoredModel]:
    """What the first runs of each model say."""
    return {
        str(number): ScoredModel(
            replace(model, scores=model.scores[:seeds], contributions=model.contributions[:seeds]), ("", None)
        )
        for number, model in enumerate(models)
    }


def claimed(claims: Claims) -> list[bool]:
    """Of each model but the first, whether a difference from that one is claimed."""
    found = [claims.difference(name, "0") for name in claims.models if name != "0"]
    return [one is not None and one.is_significant for one in found]


def fixed(models: Sequence[Evidence], seeds: int) -> list[bool]:
    """What is claimed with so many seeds."""
    scored = first(models, seeds)
    return claimed(claims_about(scored, list(scored), 1))


def sequential(models: Sequence[Evidence]) -> tuple[list[bool], int]:
    """What is claimed at the look at which every comparison is decided or futile, and its seeds."""
    found: list[bool] = []
    for seeds, level in zip(USUAL_LOOKS, LEVELS, strict=True):
        scored = first(models, seeds)
        found = claimed(claims_about(scored, list(scored), 1, level=level))
        evidence = [one.evidence for one in scored.values()]
        futile = [is_futile(one, evidence[0], USUAL_LOOKS[-1]) for one in evidence[1:]]
        if all(decided or small for decided, small in zip(found, futile, strict=True)):
            return found, seeds
    return found, USUAL_LOOKS[-1]


def rates(lucks: Sequence[float], examples: int, better: float, draws: int) -> list[float]:
    """The share of draws with a claim, any wrong one or all right ones: sequential, 3 or 10 seeds; and the seeds."""
    rng = np.random.default_rng(0)
    counted = all if better else any
    rows = []
    for _ in range(draws):
        models = drawn(rng, lucks, USUAL_LOOKS[-1], better, examples)
        found, seeds = sequential(models)
        rows.append([counted(found), counted(fixed(models, 3)), counted(fixed(models, 10)), seeds])
    return [float(value) for value in np.mean(rows, axis=0)]


def main(draws: Annotated[int, typer.Option(help="Comparisons a row.")] = 1000) -> None:
    """Print the table."""
    typer.echo("| seeds' effect | claims, sequential | 3 seeds | 10 seeds | seeds, sequential |")
    typer.echo("| --- | --- | --- | --- | --- |")
    for name, (lucks, examples, better) in REGIMES.items():
        *found, seeds = rates(lucks, examples, better, draws if len(lucks) == 2 else draws // 3)
        typer.echo(f"| {name} | {' | '.join(f'{100 * rate:.1f} %' for rate in found)} | {seeds:.1f} |")


if __name__ == "__main__":
    typer.run(main)
