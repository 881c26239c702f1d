"""Coverage of a calibration error's interval, and how often a found slice is wrongly shown: error_levels.csv.

    nice python -m experiments.error_levels        # half a minute of one core

Calibration: logits of two labels are drawn from a normal distribution, and outcomes from the probabilities that follow
from them. The model's predicted logits are these times a factor; with a factor of 1 the model is calibrated. Or all
forecasts have one probability, and come true less often. Slices:
there are forty conditions that hold for 3 to 40 % of the examples. A fifth of the examples are wrong, independently of
the conditions. If a slice is planted, 45 % of the examples of the first condition are wrong.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from harness.comparison.statistics import Estimate, Floats
from harness.error_analysis.found_slices import Condition, found_slices
from harness.error_analysis.probabilities import calibration_error
from harness.task_types.analysed import Forecasts

LARGE, ROUNDING = 2_000_000, 1e-9
OF_ONE = ((0.8, 0.75), (0.99, 0.97))
COLUMNS = ["what", "setting", "examples", "holds_or_wrong", "shown"]


def forecasts(rng: np.random.Generator, examples: int, factor: float) -> Forecasts:
    """Forecasts of two labels, each of the likelier one."""
    logits = np.abs(rng.normal(0, 2, examples))
    outcomes = (rng.random(examples) < _share(logits)).astype(float)
    return Forecasts(_share(factor * logits), outcomes, np.arange(examples), np.zeros(examples))


def _share(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)))


def coverage(examples: int, factor: float, draws: int) -> tuple[float, float]:
    """How often the interval holds the true error, and how often it begins above 0."""
    rng = np.random.default_rng([examples, int(10 * factor)])
    large = forecasts(rng, LARGE, factor)
    true = calibration_error([large], np.arange(LARGE) % 2).value if factor != 1 else 0.0
    found = [calibration_error([forecasts(rng, examples, factor)], np.arange(examples)) for _ in range(draws)]
    return _held(found, true)


def coverage_of_one(examples: int, probability: float, share: float, draws: int) -> tuple[float, float]:
    """The same for forecasts of one probability, of which another share comes true."""
    rng = np.random.default_rng([examples, int(1000 * probability), int(1000 * share)])
    said = np.full(examples, probability)
    drawn = [(rng.random(examples) < share).astype(float) for _ in range(draws)]
    each = [Forecasts(said, outcomes, np.arange(examples), np.zeros(examples)) for outcomes in drawn]
    return _held([calibration_error([one], np.arange(examples)) for one in each], probability - share)


def _held(found: Sequence[Estimate], true: float) -> tuple[float, float]:
    ends = [(one.low or 0.0, one.high or 0.0) for one in found]
    held = [low - ROUNDING <= true <= high + ROUNDING for low, high in ends]
    return float(np.mean(held)), float(np.mean([low > 0 for low, _ in ends]))


def slices(examples: int, planted: float, draws: int) -> tuple[float, float]:
    """How often a slice is shown that has nothing to do with the planted condition, and how often one that has."""
    rng = np.random.default_rng([examples, int(100 * planted)])
    wrong = right = 0
    for _ in range(draws):
        holds = [rng.random(examples) < rng.uniform(0.03, 0.4) for _ in range(40)]
        conditions = [Condition(f"c{place}", f"c{place}", one) for place, one in enumerate(holds)]
        losses = (rng.random(examples) < 0.2 + planted * holds[0]).astype(float)
        shown = [one for one in found_slices(losses, conditions, np.arange(examples)) if one.is_shown]
        wrong += any("c0" not in one.conditions or not planted for one in shown)
        right += bool(planted) and any("c0" in one.conditions for one in shown)
    return wrong / draws, right / draws


def main(draws: Annotated[int, typer.Option(help="Test sets a row.")] = 200) -> None:
    """Print the table as csv."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for examples in (200, 1000):
        for factor in (1.0, 1.3, 2.0):
            writer.writerow(
                ["calibration error", f"logits times {factor}", examples, *coverage(examples, factor, draws)]
            )
        for probability, share in OF_ONE:
            held = coverage_of_one(examples, probability, share, draws)
            writer.writerow(["calibration error", f"all {probability}, {share} come true", examples, *held])
        for planted in (0.0, 0.25):
            writer.writerow(
                ["found slices", f"{planted} more wrong in one", examples, *slices(examples, planted, draws)]
            )


if __name__ == "__main__":
    typer.run(main)
