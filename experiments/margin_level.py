"""How often a model that is worse by the margin is called not worse, or equivalent: docs/results/margin_level.csv.

    nice python -m experiments.margin_level --draws 300        # about a minute of one core

Models, seeds and examples are drawn as in `family_levels.py`. Five models differ from the first one, the baseline, by
exactly the margin of two points, or not at all. A family is wrong if any of five worse models is called not worse than
the baseline or any other model, or if any of five better models is called not better.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import typer

from experiments.family_levels import LUCK, drawn
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.margins import within_margin

MARGIN = 2.0
NAMES = [f"model-{number}" for number in range(6)]
OTHERS = NAMES[1:]
COLUMNS = ["seeds_effect", "difference", "wrong", "each_not_worse", "each_equivalent"]


def rates(lucks: Sequence[float], difference: float, draws: int, seeds: int) -> Mapping[str, float]:
    """How often a family is wrong, and how often each of the five models is called not worse, and equivalent.

    Args:
        lucks: The standard deviation of the seeds' effect in points, by model.
        difference: By how many points the five are better than the baseline.
        draws: How many families of comparisons.
        seeds: Of each model.
    """
    rng = np.random.default_rng([int(10 * sum(lucks)), int(difference + 10)])
    hits = np.zeros(3)
    for _ in range(draws):
        models = zip(NAMES, drawn(rng, lucks, seeds, -difference), strict=True)
        claims = claims_about({name: ScoredModel(one, ("the test set", None)) for name, one in models}, NAMES, 1)
        found = within_margin(claims, MARGIN / 100, NAMES[0])
        against = [found.from_baseline[name] for name in OTHERS]
        not_worse = any(one.is_not_worse for one in against) or any(found.near_best[name] for name in OTHERS)
        not_better = any(one.is_not_better for one in against)
        wrong = (not_worse and difference <= -MARGIN) or (not_better and difference >= MARGIN)
        hits += [wrong, np.mean([one.is_not_worse for one in against]), np.mean([one.is_equivalent for one in against])]
    return dict(zip(COLUMNS[2:], (hits / draws).tolist(), strict=True))


def main(
    draws: Annotated[int, typer.Option(help="Families of comparisons a row.")] = 300,
    seeds: Annotated[int, typer.Option(help="Seeds of each model.")] = 3,
) -> None:
    """Print the table as csv."""
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name in ("none", "each another: 0 to 8 points"):
        for difference in (-MARGIN, MARGIN):
            found = rates(LUCK[name], difference, draws, seeds)
            writer.writerow({"seeds_effect": name, "difference": difference, **found})
    writer.writerow({"seeds_effect": "none", "difference": 0.0, **rates(LUCK["none"], 0.0, draws // 4, seeds)})


if __name__ == "__main__":
    typer.run(main)
