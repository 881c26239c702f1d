"""How often six equally good models are told apart, and how often a better one is found: a table of docs/statistics.md.

    python -m experiments.family_levels --draws 1000        # some seven minutes of one core

An answer is right where a model's skill plus the example's ease (shared by all models and of its own), the seed's luck
and some noise is above 0; skills are set so that all models have the same true accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Annotated

import numpy as np
import typer
from scipy.stats import norm

from harness.comparison.multiplicity import family_error, step_down
from harness.comparison.statistics import SIGNIFICANCE, Evidence, Part, difference, typical_seeds

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
OneSided = Mapping[tuple[int, int], float]


def drawn(
    rng: np.random.Generator, lucks: Sequence[float], seeds: int, better: float, examples: int = EXAMPLES
) -> list[Evidence]:
    """What the runs of models say, of which the first is `better` by so many points."""
    ease = SHARED * rng.normal(size=examples)
    models = []
    for number, points in enumerate(lucks):
        accuracy = ACCURACY + (better / 100 if number == 0 else 0)
        steady = np.sqrt(SHARED**2 + OWN**2 + NOISE**2)
        luck = points / 100 * steady / norm.pdf(norm.ppf(ACCURACY))
        skill = norm.ppf(accuracy) * np.sqrt(steady**2 + luck**2)
        own = ease + OWN * rng.normal(size=examples) + skill
        right = own + luck * rng.normal(size=(seeds, 1)) + NOISE * rng.normal(size=(seeds, examples)) > 0
        scores = right.mean(axis=1)
        models.append(Evidence(scores, (right - scores[:, None]) / examples))
    return models


def one_sided(models: Sequence[Evidence], typical: Part | None) -> OneSided:
    """The p-value of each model being ahead of each other one."""
    found = {}
    for one, other in permutations(range(len(models)), 2):
        estimate = difference(models[one], models[other], typical=typical)
        assert estimate.p_value is not None
        found[one, other] = estimate.p_value / 2 if estimate.value > 0 else 1 - estimate.p_value / 2
    return found


def stepped(p_values: OneSided, models: int) -> set[int]:
    """The models that are said to be behind."""
    ahead = step_down(
        [str(number) for number in range(models)], {(str(a), str(b)): p for (a, b), p in p_values.items()}
    )
    return {number for number in range(models) if ahead.ahead_of(str(number))}


def gupta(p_values: OneSided, models: int) -> set[int]:
    """The same by Gupta's level, which holds for a single best model."""
    return {loser for (_, loser), p in p_values.items() if family_error(p, 1, models) < SIGNIFICANCE}


def rates(lucks: Sequence[float], draws: int, seeds: int, better: float) -> list[float]:
    """How often a rule is wrong, or with a `better` model, finds it alone: ours, own variance alone, Gupta's level."""
    rng = np.random.default_rng(0)
    hits = np.zeros(3)
    count = len(lucks)
    for _ in range(draws):
        models = drawn(rng, lucks, seeds, better)
        ours, own = one_sided(models, typical_seeds(models)), one_sided(models, None)
        behind = (stepped(ours, count), stepped(own, count), gupta(own, count))
        hits += [found == set(range(1, count)) if better else bool(found) for found in behind]
    return list(hits / draws)


def main(
    draws: Annotated[int, typer.Option(help="Comparisons a row.")] = 2000,
    seeds: Annotated[int, typer.Option(help="Seeds of each model.")] = 3,
) -> None:
    """Print the table."""
    typer.echo("| seeds' effect | some model wrongly said to be behind | own variance alone | Gupta's level |")
    typer.echo("| --- | --- | --- | --- |")
    for name, lucks in LUCK.items():
        shown = " | ".join(f"{100 * rate:.1f} %" for rate in rates(lucks, draws, seeds, 0.0))
        typer.echo(f"| {name} | {shown} |")
    found = " | ".join(f"{100 * rate:.1f} %" for rate in rates(LUCK["none"], draws, seeds, 3.0))
    typer.echo(f"| none, one model 3 points better: found alone | {found} |")


if __name__ == "__main__":
    typer.run(main)
