"""How often a report on eight tasks makes any wrong claim over all of them: docs/results/over_tasks.csv.

    nice python -m experiments.over_tasks --reports 200        # about three minutes of one core

Models, seeds and examples are drawn as in `family_levels.py`, separately for each task. The last model is the baseline.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from experiments.family_levels import LUCK, drawn
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.counts import OverTasks
from harness.comparison.over_tasks import over_tasks
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.statistics import Estimate
from harness.record import TaskCard

NAMES = [f"model-{number}" for number in range(6)]
BASELINE = NAMES[-1]
CARD = TaskCard(task_type="classification", main_metric="accuracy", higher_is_better=True)
NO_RUNS = Cell(
    model="",
    family="",
    is_simple_baseline=False,
    runs=(),
    missing_seeds=(),
    estimate=None,
    without_collapsed=None,
    seed_deviation=None,
    examples=0,
    clusters=0.0,
    doubts=(),
    cost=None,
    in_use=None,
)
COLUMNS = ["seeds_effect", "better_on", "wrong_in_a_task", "wrong_count", "wrong_ranks", "wrong", "tasks_found"]


def task(rng: np.random.Generator, number: int, lucks: Sequence[float], better: float) -> TaskComparison:
    """A task's comparison, as a report has it, of which the first model is `better` by so many points."""
    drawn_models = zip(NAMES, drawn(rng, lucks, 3, better), strict=True)
    models = {name: ScoredModel(evidence, ("the test set", None)) for name, evidence in drawn_models}
    claims = claims_about(models, NAMES, 1)
    cells = [
        replace(
            NO_RUNS,
            model=name,
            estimate=Estimate(float(models[name].evidence.scores.mean()), 0.0, None, None, None, True),
            is_compared=claims.is_compared(name),
            beaten_by=claims.beaten_by(name),
            from_baseline=claims.difference(name, BASELINE),
        )
        for name in NAMES
    ]
    return TaskComparison(suite="simulated", task=f"task-{number}", card=CARD, cells=tuple(cells))


def is_wrong(found: OverTasks, better: set[str]) -> tuple[bool, bool]:
    """Whether any count, and whether any two ranks, say more than is so.

    Args:
        found: What is said.
        better: The tasks on which the first model is better than the others, which are equally good everywhere.
    """
    first, *others = found.models
    so, none = len(better), found.tasks - len(better)
    wrong = first.worse.least > 0 or first.not_best.least > none or max(first.better.least, first.best.least) > so
    wrong |= any(count.least > so for count in first.ahead.values())
    for one in others:
        ahead = any(count.least for count in one.ahead.values())
        wrong |= ahead or one.better.least > 0 or one.best.least > 0 or one.not_best.least > so
        wrong |= one.worse.least > 0
    assert found.ranks is not None
    ranks = {**found.ranks.by_model}
    if better:  # Its mean rank is the best one, so only the others are equal.
        del ranks[NAMES[0]]
    return wrong, max(ranks.values()) - min(ranks.values()) >= found.ranks.critical_difference


def rates(lucks: Sequence[float], better_on: int, tasks: int, reports: int) -> Mapping[str, float]:
    """How often a report is wrong, and on how many tasks at least the better model is said to be better, on average."""
    rng = np.random.default_rng([int(10 * sum(lucks)), better_on])
    hits = np.zeros(5)
    names = {f"task-{number}" for number in range(better_on)}
    for _ in range(reports):
        found = [task(rng, number, lucks, 6.0 if number < better_on else 0.0) for number in range(tasks)]
        together = over_tasks(found, NAMES)
        assert together is not None
        own = any(
            set(cell.beaten_by) - ({NAMES[0]} if one.task in names else set()) for one in found for cell in one.cells
        )
        counts, ranks = is_wrong(together, names)
        hits += [own, counts, ranks, counts or ranks, together.models[0].better.least]
    return dict(zip(COLUMNS[2:], (hits / reports).tolist(), strict=True))


def main(
    reports: Annotated[int, typer.Option(help="Reports a row.")] = 200,
    tasks: Annotated[int, typer.Option(help="Tasks a report.")] = 8,
) -> None:
    """Print the table as csv."""
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, better_on in (("each another: 0 to 8 points", 0), ("none", 0), ("none", tasks // 2)):
        found = rates(LUCK[name], better_on, tasks, reports)
        writer.writerow({"seeds_effect": name, "better_on": better_on, **found})
        sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
