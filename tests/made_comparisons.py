"""Comparisons that are made by hand, without runs in files: what sentences and recommendations are made of."""

from typing import Any

from synthetic_runs import card, record

from harness.comparison.effects import Difference
from harness.comparison.results import Cell, Run, TaskComparison
from harness.comparison.statistics import Estimate


def estimate(value: float, low: float | None = None, high: float | None = None, **changes: Any) -> Estimate:
    """A score or a difference with its interval, of other seeds and other examples unless it is said otherwise."""
    return Estimate(value, 0.01, low, high, None, **{"includes_seeds": True, **changes})


def cell(model: str, found: Estimate | None, *, seeds: int = 3, simple: bool = False, **changes: Any) -> Cell:
    """A model's results; its runs all have the mean score."""
    runs = tuple(
        Run(record=record(model=model, seed=seed), score=None if found is None else found.value)
        for seed in range(seeds)
    )
    settings: dict[str, Any] = {
        "family": "bert", "is_simple_baseline": simple, "runs": runs, "missing_seeds": (), "estimate": found,
        "without_collapsed": None, "seed_deviation": None, "examples": 400, "clusters": 400.0, "doubts": (),
        "cost": None, "in_use": None, **({} if found is None else {"is_compared": True}),
    }  # fmt: skip
    return Cell(model=model, **{**settings, **changes})


def lead(against: str, value: float | None, p: float | None = None, **changes: Any) -> Difference:
    """A difference from another model, more being better; `value`: None where the two can't be compared."""
    found = None if value is None else estimate(value, value - 0.02, value + 0.02, **changes)
    return Difference(against=against, estimate=found, adjusted_p=p, gain=value)


def task(*cells: Cell, metric: str = "accuracy", higher_is_better: bool = True, **changes: Any) -> TaskComparison:
    """A task's comparison of these models."""
    return TaskComparison(
        suite="s", task="t", card=card(metric, higher_is_better=higher_is_better), cells=cells, **changes
    )
