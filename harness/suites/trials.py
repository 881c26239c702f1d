"""Trials of a suite's models, and the recipes that they choose: a pure function of what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.text import Text

from harness.errors import UserError
from harness.record import RECORD, RunRecord, Tuning, read_record
from harness.runs.run import Run, State
from harness.suites.ended import DONE
from harness.suites.expansion import states
from harness.tuning.settings import Tuning as Settings
from harness.tuning.trials import by_number, is_tuned, trials_of
from harness.tuning.winner import best_of, outcome_of

if TYPE_CHECKING:
    from rich.console import Console

    from harness.runs.execution import Options
    from harness.suites.runner import Tally

Cell = tuple[str, str]


@dataclass(frozen=True)
class Overview:
    """Every run that a command may come to, with what of it is there.

    Attributes:
        runs: The trials first.
        states: One per run.
        undecided: The tasks and models whose recipe is not known before their trials have ended.
    """

    runs: list[Run]
    states: list[State]
    undecided: frozenset[Cell]


def execute_trials(
    planned: Sequence[Run], tuning: Settings | None, options: Options, console: Console, *, workers: int | None = None
) -> tuple[list[Run], Tally, int]:
    """Do the trials that are not recorded yet; and the planned runs, each with the recipe that its trials chose.

    A model whose trials are not all there, because another command is at work on one, is left to that command. A trial
    that failed is tried again until a seed of its model is recorded: then the recipe is chosen, and stays.

    Args:
        planned: One run per task, model and seed, with recipes as they are before tuning.
        tuning: How recipes are chosen; None: they stay.
        options: How to run. With `redo`, a trial is replaced only where it would be another one.
        console: Where to say what happens.
        workers: Processes that take runs side by side; None: as many as suit the machine.

    Returns:
        The runs, what became of the trials, and how many there are.

    Raises:
        UserError: A seed of a tuned model is recorded without tuning, or a trial's recipe can't be.
    """
    from harness.suites.runner import Tally, execute_runs  # noqa: PLC0415 -- heavy

    tried = {} if tuning is None else _trials(planned, tuning)
    if not tried:
        return list(planned), Tally(), 0
    if not options.redo:
        _check_all_tuned(planned, tried)
    trials = list(by_number(list(tried.values())))
    settled = set() if options.redo else {cell for cell in tried if _is_settled(cell, planned, len(tried[cell]))}
    given_up = [trial for trial in trials if _cell(trial) in settled and _has_failed(trial)]
    tally = execute_runs([trial for trial in trials if trial not in given_up], options, console, workers=workers)
    known = _tuned(planned, tried)
    for line in dict.fromkeys(_choice(run) for run in known if run.tuning is not None):
        console.print(Text(line), soft_wrap=True)
    return known, tally, len(trials)


def overview(planned: Sequence[Run], tuning: Settings | None) -> Overview:
    """Every run that a command may come to, with its state.

    Raises:
        UserError: Every run that is recorded with another configuration, or a seed without tuning.
    """
    tried = {} if tuning is None else _trials(planned, tuning)
    _check_all_tuned(planned, tried)
    trials = list(by_number(list(tried.values())))
    known = _tuned(planned, tried)
    undecided = frozenset(tried) - {_cell(run) for run in known}
    open_ = [run for run in planned if _cell(run) in undecided]
    before: list[State] = [record.status if (record := recorded(run)) is not None else "new" for run in open_]
    return Overview([*trials, *open_, *known], [*states(trials), *before, *states(known)], undecided)


def recorded(run: Run) -> RunRecord | None:
    """What is recorded of the run; None where there is nothing, or nothing that can be read."""
    try:
        return read_record(run.folder / RECORD)
    except UserError:
        return None


def _cell(run: Run) -> Cell:
    return run.config.task, run.model


def _trials(planned: Sequence[Run], tuning: Settings) -> dict[Cell, list[Run]]:
    first = {_cell(run): run for run in reversed(planned) if is_tuned(run, tuning)}
    return {cell: trials_of(run, tuning) for cell, run in reversed(first.items())}


def _check_all_tuned(planned: Sequence[Run], tried: Mapping[Cell, object]) -> None:
    """Refuse to tune, for hours, what would then be found recorded with another recipe.

    Raises:
        UserError: Every seed of a tuned model that is recorded without tuning.
    """
    found = [(run, recorded(run)) for run in planned if _cell(run) in tried]
    wrong = [run for run, record in found if record is not None and record.status in DONE and record.tuning is None]
    if wrong:
        raise UserError(
            *(
                f"{run.folder / RECORD}: recorded without tuning; use --redo to replace it, or tune another "
                "name of the model ([variants] and tuning.models)."
                for run in wrong
            )
        )


def _is_settled(cell: Cell, planned: Sequence[Run], trials: int) -> bool:
    """Whether a seed has been trained with what so many trials chose."""
    found = [recorded(run) for run in planned if _cell(run) == cell]
    return any(
        record.status in DONE and record.tuning is not None and record.tuning.trials == trials
        for record in found
        if record is not None
    )


def _has_failed(trial: Run) -> bool:
    record = recorded(trial)
    return record is not None and record.status == "failed"


def _tuned(planned: Sequence[Run], tried: Mapping[Cell, Sequence[Run]]) -> list[Run]:
    """The planned runs with the recipes that the trials chose, without those whose trials are not all there."""
    chosen = {cell: _winner(trials) for cell, trials in tried.items()}
    return [
        run if _cell(run) not in chosen else _with_recipe_of(winner, run, len(tried[_cell(run)]))
        for run in planned
        if (winner := chosen.get(_cell(run), run)) is not None
    ]


def _winner(trials: Sequence[Run]) -> Run | None:
    """The best of the trials; None where one of them is not recorded yet."""
    records = [record for trial in trials if (record := recorded(trial)) is not None and record.trial is not None]
    if len(records) < len(trials):
        return None
    outcomes = [outcome_of(record) for record in records]
    return trials[best_of(outcomes, higher_is_better=records[0].task_card.higher_is_better)]


def _with_recipe_of(winner: Run, run: Run, trials: int) -> Run:
    assert winner.trial is not None, "a trial won"
    config = run.config.model_copy(update={"training": winner.config.training})
    tuning = Tuning(trials=trials, best=winner.trial.number, space=winner.trial.space)
    return replace(run, config=config, tuning=tuning)


def _choice(run: Run) -> str:
    assert run.tuning is not None, "its recipe was chosen"
    return f"{run.config.task} · {run.model}: trial {run.tuning.best} of {run.tuning.trials} is best on validation."
