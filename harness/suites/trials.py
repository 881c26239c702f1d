"""Trials of a suite's models, and the recipes that they choose: a pure function of their records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UserError
from harness.output import say
from harness.record import RECORD, RunRecord
from harness.runs.identity import run_differences
from harness.runs.run import Run, State, TaskAndModel
from harness.suites.ended import DONE
from harness.suites.expansion import states
from harness.trial import Tuning
from harness.tuning.search import Named, named_trials
from harness.tuning.settings import Tuning as Settings
from harness.tuning.trials import by_number, is_tuned, trial_folder
from harness.tuning.winner import best_of, outcome_of, validation_score

if TYPE_CHECKING:
    from rich.console import Console

    from harness.runs.options import Options
    from harness.suites.runner import Tally


@dataclass(frozen=True)
class Overview:
    """All possible runs of a command, with their states.

    Attributes:
        runs: The runs, trials first.
        states: One per run.
        undecided: The tasks and models whose recipe depends on trials that have not ended.
    """

    runs: list[Run]
    states: list[State]
    undecided: frozenset[TaskAndModel]


def execute_trials(
    planned: Sequence[Run], tuning: Settings | None, options: Options, console: Console
) -> tuple[list[Run], Tally, int]:
    """Execute the trials that are not recorded yet, and return the planned runs with the recipes they chose.

    A model with trials that another command is executing is left to that command. A failed trial is tried again until a
    seed of its model is recorded: then the recipe is fixed.

    Args:
        planned: One run per task, model and seed, with recipes as before tuning.
        tuning: The tuning settings; None: no tuning.
        options: How to run. With `redo`, a trial is replaced only if it would differ.
        console: Where to print.

    Returns:
        The runs, the tally of the trials, and the number of trials.

    Raises:
        UserError: If a seed of a tuned model is recorded without tuning, or a trial's recipe is invalid.
    """
    from harness.suites.runner import Tally, execute_runs  # noqa: PLC0415 -- heavy

    tuned = _tuned_cells(planned, tuning)
    if tuning is None or not tuned:
        return list(planned), Tally(), 0
    if not options.redo:
        _check_all_tuned(planned, tuned)
    tally, tried = Tally(), set[Path]()
    while waiting := _waiting(planned, named := named_trials(tuned, tuning, recorded), tried, redo=options.redo):
        tried.update(trial.folder for trial in waiting)
        tally = tally.with_others(execute_runs(waiting, options, console))
    known = _with_recipes(planned, named, tuning)
    for line in dict.fromkeys(_choice(run) for run in known if run.tuning is not None):
        say(console, line)
    return known, tally, len(tried)


def _waiting(
    planned: Sequence[Run], named: Mapping[TaskAndModel, Named], tried: Collection[Path], *, redo: bool
) -> list[Run]:
    """The known trials that this command did not try yet, without those that are given up."""
    given_up = set() if redo else {cell for cell in named if _is_settled(cell, planned, named[cell])}
    return [
        trial
        for trial in by_number([one.runs for one in named.values()])
        if trial.folder not in tried and not (trial.task_and_model in given_up and _has_failed(trial))
    ]


def overview(planned: Sequence[Run], tuning: Settings | None) -> Overview:
    """All possible runs of a command, with their states.

    Raises:
        UserError: For every run that is recorded with another configuration, or a seed without tuning.
    """
    tuned = _tuned_cells(planned, tuning)
    _check_all_tuned(planned, tuned)
    named = {} if tuning is None else named_trials(tuned, tuning, recorded)
    trials = list(by_number([one.runs for one in named.values()]))
    known = list(planned) if tuning is None else _with_recipes(planned, named, tuning)
    undecided = frozenset(tuned) - {run.task_and_model for run in known}
    open_ = [run for run in planned if run.task_and_model in undecided]
    before: list[State] = [record.status if (record := run.record_if_any()) is not None else "new" for run in open_]
    return Overview([*trials, *open_, *known], [*states(trials), *before, *states(known)], undecided)


def recorded(trial: Run) -> RunRecord | None:
    """The record of the trial as it would run now; None if there is none, or one of another recipe."""
    record = trial.record_if_any()
    if record is None or run_differences(record.config, trial.config.resolved()):
        return None
    return record


def _tuned_cells(planned: Sequence[Run], tuning: Settings | None) -> dict[TaskAndModel, Run]:
    """The tuned tasks and models, each with any of its runs.

    Raises:
        UserError: If a task is cross-validated.
    """
    found: dict[TaskAndModel, Run] = {}
    for run in planned:
        if tuning is not None and is_tuned(run, tuning):
            found.setdefault(run.task_and_model, run)
    in_folds = next((run for run in found.values() if run.config.fold is not None), None)
    if in_folds is not None:
        raise UserError(
            f"{in_folds.config.task}: can't be tuned in cross-validation, because a recipe would be "
            "chosen by rows that another fold tests. Leave the folds out, or name other models in tuning.models."
        )
    return found


def _check_all_tuned(planned: Sequence[Run], tuned: Mapping[TaskAndModel, object]) -> None:
    """Refuse to spend hours on tuning if the seeds are already recorded with another recipe.

    Raises:
        UserError: For every seed of a tuned model that is recorded without tuning.
    """
    found = [(run, run.record_if_any()) for run in planned if run.task_and_model in tuned]
    wrong = [run for run, record in found if record is not None and record.status in DONE and record.tuning is None]
    if wrong:
        raise UserError(
            *(
                f"{run.folder / RECORD}: recorded without tuning; use --redo to replace it, or tune another "
                "name of the model ([variants] and tuning.models)."
                for run in wrong
            )
        )


def _is_settled(cell: TaskAndModel, planned: Sequence[Run], named: Named) -> bool:
    """Return whether a seed has been trained with the choice of these trials."""
    found = [run.record_if_any() for run in planned if run.task_and_model == cell]
    return named.is_all and any(
        record.status in DONE and record.tuning is not None and record.tuning.trials == len(named.runs)
        for record in found
        if record is not None
    )


def _has_failed(trial: Run) -> bool:
    record = recorded(trial)
    return record is not None and record.status == "failed"


def _with_recipes(planned: Sequence[Run], named: Mapping[TaskAndModel, Named], tuning: Settings) -> list[Run]:
    """The planned runs with the chosen recipes, without those whose trials are not complete."""
    found = []
    for run in planned:
        if run.task_and_model not in named:
            found.append(run)
        elif (winner := _winner(named[run.task_and_model])) is not None:
            found.append(_with_recipe_of(winner, run, len(named[run.task_and_model].runs), tuning))
    return found


def _winner(named: Named) -> Run | None:
    """The best of the trials; None if one of them is not recorded yet."""
    records = [record for trial in named.runs if (record := recorded(trial)) is not None and record.trial is not None]
    if not named.is_all or len(records) < len(named.runs):
        return None
    outcomes = [outcome_of(record) for record in records]
    return named.runs[best_of(outcomes, higher_is_better=records[0].task_card.higher_is_better)]


def _with_recipe_of(winner: Run, run: Run, trials: int, tuning: Settings) -> Run:
    assert winner.trial is not None, "a trial won"
    best, space = winner.trial.number, winner.trial.space
    chosen = Tuning(trials=trials, best=best, space=space, budget=tuning.budget, sampler=tuning.sampler)
    return replace(run, config=run.config.model_copy(update={"training": winner.config.training}), tuning=chosen)


def _choice(run: Run) -> str:
    assert run.tuning is not None, "its recipe was chosen"
    best, where = run.tuning.best, f"{run.config.task} · {run.model}"
    record = replace(run, folder=run.folder.parent / trial_folder(best)).record_if_any()
    if record is None or validation_score(record) is None:
        unknown = f"none of {run.tuning.trials} trials has a score on validation"
        return f"{where}: {unknown}; the recipe of trial {best} is used."
    return f"{where}: trial {best} of {run.tuning.trials} is best on validation."
