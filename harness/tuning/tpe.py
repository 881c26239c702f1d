"""Sequential trials by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).

They depend on each other and are no sample of the search space, so their curve has no band.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import UserError
from harness.record import RunRecord
from harness.runs.run import Run
from harness.tuning.space import Dimension, Space
from harness.tuning.trials import check_multiplied, share_of, trial_runs
from harness.tuning.winner import outcome_of

STARTING = 5
"""Number of random trials before the estimator chooses any."""


def sequential_trials(run: Run, space: Space, count: int, recorded: Callable[[Run], RunRecord | None]) -> list[Run]:
    """The first trials, up to one that is not recorded yet, which the next one depends on.

    Args:
        run: Any seed of the model on the task.
        space: The search space.
        count: Maximum number of trials.
        recorded: Returns the record of a trial, if any.

    Raises:
        UserError: If Optuna is not installed, or a recipe is invalid.
    """
    optuna = _optuna()
    distributions = {name: _distribution(optuna, dimension) for name, dimension in space.items()}
    found: list[Run] = []
    earlier: list[tuple[dict[str, Any], float | None]] = []
    check_multiplied(run, space)
    for number in range(count):
        seed = int(share_of(run.suite, run.config.task, run.model, number, "sampler") * 2**32)
        study = _study(optuna, distributions, earlier, seed)
        params = study.ask(distributions).params
        own = run.config.training
        drawn = {name: dimension.settled(params[name], getattr(own, name)) for name, dimension in space.items()}
        found += trial_runs(run, space, {number: drawn})
        record = recorded(found[-1])
        if record is None:
            break
        sign = 1 if record.task_card.higher_is_better else -1
        score = outcome_of(record).score
        earlier.append((params, None if score is None else sign * score))
    return found


def _study(
    optuna: Any, distributions: Mapping[str, Any], earlier: list[tuple[dict[str, Any], float | None]], seed: int
) -> Any:
    """Create the study from earlier trials; one without a score counts as the worst."""
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTING)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    worst = min((score for _, score in earlier if score is not None), default=0.0)
    for params, score in earlier:
        value = worst if score is None else score
        study.add_trial(optuna.trial.create_trial(params=params, distributions=dict(distributions), value=value))
    return study


def _distribution(optuna: Any, dimension: Dimension) -> Any:
    """Convert a dimension; choices become indices, because their values may have any type."""
    kinds = optuna.distributions
    if dimension.form in ("choice", "times"):
        return kinds.CategoricalDistribution(list(range(len(dimension.values))))
    low, high = dimension.values
    return kinds.FloatDistribution(low, high, log=dimension.form == "log_uniform")


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 -- need not be installed
    except ImportError as error:
        raise UserError('tuning.sampler: "tpe" needs Optuna. pip install "finetune-harness[tpe]"') from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
