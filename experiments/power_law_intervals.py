"""How often the number of training examples that a fitted power law predicts is right, on simulated models.

    python -m experiments.power_law_intervals --draws 200        # about two minutes of one core

Errors follow a law exactly, except for the seeds, for test examples that are equally hard at all sizes, and for the
draw of the training examples, which all seeds of a size share. "Told": how often the report gives a number. "Coverage":
how often it is right if it does: the 95 % interval contains the number that the true law gives.
"""

from __future__ import annotations

from itertools import product
from typing import Annotated

import numpy as np
import typer

from harness.comparison.power_law import fitted_law
from harness.comparison.statistics import Evidence

SIZES = ((100, 300, 1000, 3000), (100, 200, 400, 800, 1600, 3200))
LAWS = ((0.0, 0.9, 0.25), (0.05, 3.0, 0.6))
RUNS = ((3, 2000), (5, 5000))  # seeds and test examples
SEED = 0.03  # Standard deviation, as a share of the error; that of the draw is so many times as large:
DRAW = (1.0, 2.0)


def evidence(error: float, seeds: int, hard: np.ndarray, draw: float, rng: np.random.Generator) -> Evidence:
    """The runs of one size."""
    shared = rng.normal(0, draw * SEED)
    errors = np.clip(error * (1 + shared + rng.normal(0, SEED, (seeds, 1))), 0, 1)
    right = 1.0 - (rng.random((seeds, len(hard))) < errors * hard)
    scores = right.mean(axis=1)
    return Evidence(scores, (right - scores[:, None]) / len(hard))


def told(
    sizes: tuple[int, ...],
    law: tuple[float, float, float],
    runs: tuple[int, int],
    draw: float,
    rng: np.random.Generator,
) -> bool | None:
    """Whether what is told is right; None where nothing is."""
    (a, b, c), (seeds, examples) = law, runs
    hard = 2 * rng.permutation(np.arange(examples)) / examples
    evidences = [evidence(a + b * size**-c, seeds, hard, draw, rng) for size in sizes]
    fitted = fitted_law(sizes, evidences, best=1.0)
    reach = None if fitted is None else fitted.nearest_reach(factor=100)
    if reach is None:
        return None
    return reach.error > a and reach.low <= ((reach.error - a) / b) ** (-1 / c) <= reach.high


def main(draws: Annotated[int, typer.Option(help="Made-up models of each sort.")] = 200) -> None:
    """Print a table."""
    rng = np.random.default_rng(0)
    print("| sizes | a, b, c | seeds | test examples | draw / seed | told | coverage |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for sizes, law, runs, draw in product(SIZES, LAWS, RUNS, DRAW):
        found = [told(sizes, law, runs, draw, rng) for _ in range(draws)]
        said = [one for one in found if one is not None]
        coverage = f"{np.mean(said):.2f}" if said else "-"
        shown = ", ".join(f"{value:g}" for value in law)
        print(f"| {len(sizes)} | {shown} | {runs[0]} | {runs[1]} | {draw:g} | {len(said) / draws:.2f} | {coverage} |")


if __name__ == "__main__":
    typer.run(main)
