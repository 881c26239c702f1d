"""Numbers of recorded runs, to calibrate the comparison on similar settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path

import numpy as np

from harness.calibration.fitting import Numbers
from harness.comparison.analysis import ModelRuns, model_runs
from harness.comparison.split import Split
from harness.comparison.statistics import Evidence, residual
from harness.errors import UserError
from harness.records import Found, grouped, some_records


def recorded_numbers(runs: Path) -> Mapping[str, Numbers]:
    """Return the numbers of each task: the median model's score and spread over seeds, and the numbers of runs.

    Args:
        runs: The folder of runs.

    Raises:
        UserError: If no task has a trained model with several seeds.
    """
    found, _ = some_records(runs)
    trained = [(folder, record) for folder, record in found if not record.simple_baseline]
    tasks = grouped(trained, lambda record: (record.suite, record.task))
    several_suites = len({suite for suite, _ in tasks}) > 1
    known = {
        f"{task} [{suite}]" if several_suites else task: numbers
        for (suite, task), records in sorted(tasks.items())
        if (numbers := _numbers(records)) is not None
    }
    if not known:
        raise UserError(
            f"{runs}: no model there has two seeds with a score. Run some, or give --seeds, --examples and --metric."
        )
    return known


def _numbers(found: Sequence[Found]) -> Numbers | None:
    card = found[0][1].task_card
    splits: dict[str, Split] = {}
    by_model = grouped(found, lambda record: record.model).values()
    analysed = [model_runs(runs[0][1], runs, card, splits) for runs in by_model]
    known = [(one, evidence) for one in analysed if (evidence := _of_seeds(one)) is not None]
    if not known:
        return None
    models = [evidence for _, evidence in known]
    first = known[0][0].rescored_runs[0]
    sizes = tuple(np.round(first.shares * first.examples).astype(int).tolist())
    return Numbers(
        card.main_metric,
        seeds=int(np.median([len(model.scores) for model in models])),
        examples=first.examples,
        sizes=sizes if len(sizes) < first.examples else None,
        score=float(np.median([model.scores.mean() for model in models])),
        spread=sqrt(max(float(np.median([_seeds_variance(model) for model in models])), 0.0)),
    )


def _of_seeds(one: ModelRuns) -> Evidence | None:
    """Return the evidence if it has several seeds and several examples."""
    evidence = one.evidence
    return evidence if evidence is not None and evidence.knows_examples and len(evidence.scores) > 1 else None


def _seeds_variance(model: Evidence) -> float:
    """Return the variance between seeds, without that of single answers."""
    return float(model.scores.var(ddof=1)) - residual(model) * len(model.scores)
