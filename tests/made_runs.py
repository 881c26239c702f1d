"""A task's runs with what their predictions amount to, made by hand, without files."""

from typing import Any

import numpy as np
from synthetic_runs import record

from harness.comparison.analysis import ModelRuns
from harness.comparison.rescoring import RescoredRun
from harness.comparison.results import Run
from harness.comparison.split import Split

SPLIT = Split(4, 4, 4.0)


def rescored(score: float, *, values: list[float] | None = None, **changes: Any) -> RescoredRun:
    """A run's score, of four examples of these values; of none it is not known what each adds."""
    own = None if values is None else np.array(values)
    contributions = np.zeros(4) if own is None else (own - own.mean()) / len(own)
    settings = {
        "test_set": "tested", "examples": 4, "split": SPLIT, "values": own, "shares": np.full(4, 0.25), **changes
    }  # fmt: skip
    return RescoredRun(score=score, contributions=contributions, **settings)


def run(model: str, seed: int, score: float | None = 0.5, **changes: Any) -> Run:
    """A run that recorded the score that its predictions have."""
    settings = {"scores": {} if score is None else {"test": {"accuracy": score}}, **changes}
    return Run(record=record(model=model, seed=seed, **settings), score=score)


def model_runs(model: str, *found: RescoredRun, **changes: Any) -> ModelRuns:
    """A model's runs, a seed for each of these outcomes."""
    settings: dict[str, Any] = {
        "runs": tuple(run(model, seed, one.score) for seed, one in enumerate(found)), "rescored_runs": found,
        "is_simple_baseline": False, **changes,
    }  # fmt: skip
    return ModelRuns(model=model, family="bert", **settings)
