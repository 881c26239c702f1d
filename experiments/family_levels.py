"""How often six equally good models are told apart, and how often a better one is found: a table of docs/statistics.md.

    python -m experiments.family_levels --draws 1000        # about two minutes of one core

An answer is right if the sum of the model's skill, the example's ease (a part shared by all models and a part of each
model's own), the luck of the seed and noise is above 0. Skills are set so that models have the required true accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Annotated

import numpy as np
import typer
from scipy.stats import norm

from harness.comparison.multiplicity import SOLE_BEST, family_error, step_down
from harness.comparison.pairs import one_sided_p_values
from harness.comparison.statistics import SIGNIFICANCE, Evidence, Part
from harness.comparison.typical_seeds import typical_seeds

Pair = tuple[int, int]  # Winner, loser.
ACCURACY, SHARED, OWN, NOISE, EXAMPLES = 0.75, 1.0, 0.25, 0.6, 2000
# Standard deviations of the seeds' effect, in points of accuracy, by model.
LUCK = {
    "none": [0.0] * 6,
    "1 point": [1.0] * 6,
    "2 points": [2.0] * 6,
    "8 points": [8.0] * 6,
    "one model 8 points, the others 1": [8.0, *[1.0] * 5],
    "each another: 0 to 8 points": [0.0, 0.5, 1.0, 2.0, 4.0, 8.0],
}
# Two models are equally good, and four others are as far behind as it takes.
TWO_BEST = {
    "none": [0.0] * 6,
    "1 point": [1.0] * 6,
    "one of the two 8 points, the others 1": [8.0, *[1.0] * 5],
    "the two 0 and 8 points, the others 0.5 to 4": [0.0, 8.0, 0.5, 1.0, 2.0, 4.0],
}
BEHIND = -30.0
RULES = ("some model wrongly said to be behind", "without the sole best", "own variance alone", "Gupta's level")


def drawn(
    rng: np.random.Generator,
    lucks: Sequence[float],
    seeds: int,
    better: float | Sequence[float],
    examples: int = EXAMPLES,
) -> list[Evidence]:
    """What the runs of models say, of which the first is `better` by so many points, or each by its own."""
    ease = SHARED * rng.normal(size=examples)
    gains = [better] + [0.0] * (len(lucks) - 1) if isinstance(better, int | float) else better
    models = []
    for points, gain in zip(lucks, gains, strict=True):
        accuracy = ACCURACY + gain / 100
        steady = np.sqrt(SHARED**2 + OWN**2 + NOISE**2)
        luck = points / 100 * steady / norm.pdf(norm.ppf(ACCURACY))
        skill = norm.ppf(accuracy) * np.sqrt(steady**2 + luck**2)
        own = ease + OWN * rng.normal(size=examples) + skill
        right = own + luck * rng.normal(size=(seeds, 1)) + NOISE * rng.normal(size=(seeds, examples)) > 0
        scores = right.mean(axis=1)
        models.append(Evidence(scores, (right - scores[:, None]) / examples))
    return models


def one_sided(models: Sequence[Evidence], typical: Part | None) -> dict[tuple[int, int], float]:
    """The p-value of each model being ahead of each other one."""
    found = one_sided_p_values(models, typical, 1).tolist()
    return {(one, other): found[one][other] for one, other in permutations(range(len(models)), 2)}


def claimed(p_values: Mapping[tuple[int, int], float], models: int, sole_best: float = SOLE_BEST) -> set[Pair]:
    """Who is said to be ahead of whom.

    Args:
        p_values: One-sided, by (winner, loser).
        models: How many there are.
        sole_best: The share of the level for the sole best; next to 0: the steps alone.
    """
    names = [str(number) for number in range(models)]
    ahead = step_down(names, {(str(a), str(b)): p for (a, b), p in p_values.items()}, sole_best=sole_best)
    return {(int(winner), loser) for loser in range(models) for winner in ahead.ahead_of(str(loser))}


def gupta(p_values: Mapping[tuple[int, int], float], models: int) -> set[Pair]:
    """The same by Gupta's level, which holds for a single best model."""
    return {pair for pair, p in p_values.items() if family_error(p, 1, models) < SIGNIFICANCE}


def rates(lucks: Sequence[float], draws: int, seeds: int, gains: Sequence[float]) -> list[float]:
    """How often some claim of a rule is wrong, or, where one model is better, it is found alone."""
    rng = np.random.default_rng(0)
    hits = np.zeros(len(RULES))
    count = len(lucks)
    is_sole = sorted(gains)[-1] > sorted(gains)[-2]
    for _ in range(draws):
        models = drawn(rng, lucks, seeds, gains)
        ours, own = one_sided(models, typical_seeds(models)), one_sided(models, None)
        claims = (claimed(ours, count), claimed(ours, count, 1e-9), claimed(own, count), gupta(own, count))
        for rule, pairs in enumerate(claims):
            behind = {loser for _, loser in pairs}
            if is_sole:
                hits[rule] += behind == {loser for loser in range(count) if gains[loser] < max(gains)}
            else:
                hits[rule] += any(gains[winner] <= gains[loser] for winner, loser in pairs)
    return list(hits / draws)


def main(
    draws: Annotated[int, typer.Option(help="Comparisons a row.")] = 2000,
    seeds: Annotated[int, typer.Option(help="Seeds of each model.")] = 3,
) -> None:
    """Print the table."""
    typer.echo(f"| seeds' effect | {' | '.join(RULES)} |")
    typer.echo(f"|{' --- |' * (len(RULES) + 1)}")

    def row(name: str, lucks: Sequence[float], gains: Sequence[float]) -> None:
        shown = " | ".join(f"{100 * rate:.1f} %" for rate in rates(lucks, draws, seeds, gains))
        typer.echo(f"| {name} | {shown} |")

    for name, lucks in LUCK.items():
        row(name, lucks, [0.0] * 6)
    for name, lucks in TWO_BEST.items():
        row(f"two best, four far behind: {name}", lucks, [0.0, 0.0, *[BEHIND] * 4])
    row("none, one model 3 points better: found alone", LUCK["none"], [3.0, *[0.0] * 5])
    row("1 point, one model 5 points better: found alone", LUCK["1 point"], [5.0, *[0.0] * 5])


if __name__ == "__main__":
    typer.run(main)
