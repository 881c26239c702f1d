"""How often equally good models are told apart after tuning: the table of docs/tuning.md.

    python -m experiments.tuned_levels --draws 1000        # about two minutes of one core

All models have the same distribution of recipes: the accuracy of a drawn recipe is below the best possible one by an
exponentially distributed loss. Each model's best trial on validation is trained with new seeds, and compared on the
test split as in reports. Two rates are counted. It is an error if a model is called behind although its recipe is as
good or better. How often any model is called behind says more about the search than about the models.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.stats import norm

from experiments.family_levels import NOISE, OWN, SHARED, one_sided
from harness.comparison.multiplicity import step_down
from harness.comparison.statistics import Evidence
from harness.comparison.typical_seeds import typical_seeds

MODELS, BEST, LUCK, VALIDATION, TEST = 3, 0.80, 0.01, 400, 2000
STEADY = np.sqrt(SHARED**2 + OWN**2 + NOISE**2)
Floats = NDArray[np.float64]


def found_by_search(rng: np.random.Generator, trials: int, loss: float) -> Floats:
    """The accuracy of each model's recipe that is best on validation [models]."""
    accuracy = BEST - rng.exponential(loss, (MODELS, trials))
    noise = np.sqrt(accuracy * (1 - accuracy) / VALIDATION / 2 + LUCK**2)  # Half is common to trials: same examples.
    chosen = np.argmax(accuracy + noise * rng.normal(size=accuracy.shape), axis=1)
    return accuracy[np.arange(MODELS), chosen]


def tested(rng: np.random.Generator, accuracies: Floats, seeds: int) -> list[Evidence]:
    """What the runs of models with these accuracies say."""
    ease, models = SHARED * rng.normal(size=TEST), []
    for accuracy in accuracies:
        luck = LUCK * STEADY / norm.pdf(norm.ppf(accuracy))
        skill = norm.ppf(accuracy) * np.sqrt(STEADY**2 + luck**2)
        steady = ease + OWN * rng.normal(size=TEST) + skill
        right = steady + luck * rng.normal(size=(seeds, 1)) + NOISE * rng.normal(size=(seeds, TEST)) > 0
        scores = right.mean(axis=1)
        models.append(Evidence(scores, (right - scores[:, None]) / TEST))
    return models


def rates(trials: int, loss: float, draws: int, seeds: int) -> Floats:
    """How often a claim is wrong of the recipes, and how often one is made; the spread of what searches find."""
    rng, counts, spread = np.random.default_rng(0), np.zeros(2), []
    for _ in range(draws):
        accuracies = found_by_search(rng, trials, loss)
        models = tested(rng, accuracies, seeds)
        p_values = one_sided(models, typical_seeds(models))
        named = {(str(one), str(other)): p for (one, other), p in p_values.items()}
        ahead = step_down([str(number) for number in range(MODELS)], named)
        claims = [(int(one), loser) for loser in range(MODELS) for one in ahead.ahead_of(str(loser))]
        counts += [any(accuracies[one] <= accuracies[loser] for one, loser in claims), bool(claims)]
        spread.append(accuracies.std(ddof=1))
    return np.append(counts / draws, np.mean(spread))


def main(
    draws: Annotated[int, typer.Option(help="Comparisons a row.")] = 1000,
    seeds: Annotated[int, typer.Option(help="Seeds of each model.")] = 3,
) -> None:
    """Print the table."""
    typer.echo(
        "| mean loss of a recipe | trials | wrong of the recipes | some model said to be behind | spread of finds |"
    )
    typer.echo("| --- | --- | --- | --- | --- |")
    for loss in (0.01, 0.05):
        for trials in (1, 8, 32):
            wrong, claimed, spread = rates(trials, loss, draws, seeds)
            shown = f"{100 * wrong:.1f} % | {100 * claimed:.1f} % | {100 * spread:.1f} points"
            typer.echo(f"| {100 * loss:g} points | {trials} | {shown} |")


if __name__ == "__main__":
    typer.run(main)
