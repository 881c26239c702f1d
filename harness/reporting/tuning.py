"""Tuning in reports, independent of the format: tables, notes, rows of trials."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import Any

from harness.comparison.formatting import NOTHING, duration
from harness.comparison.results import Comparison, TaskComparison
from harness.comparison.tuned import TrialResult, TunedModel
from harness.metrics.lookup import unit_of
from harness.metrics.metric import Unit
from harness.reporting.entries import Entry, Table
from harness.reporting.spreadsheet import Field, csv_text

RECIPES = (
    "Model",
    "Trials",
    "Time",
    "Best trial",
    "Same recipe, new seeds",
    "Other trials as good",
    "Recipe of the best trial",
)


def tuning_tables(task: TaskComparison) -> tuple[Table, ...]:
    """How the models were tuned: the choices, and what more trials would give; empty without tuning."""
    unit, budgets = unit_of(task.card.main_metric), shown_budgets(task.tuned)
    choices = tuple(_choice(one, unit) for one in task.tuned)
    curves = tuple(_curve(one, budgets, unit) for one in task.tuned if budgets and one.curve is not None)
    found = (
        Table(f"{task.task}: tuning, on validation", RECIPES, choices),
        Table(
            f"{task.task}: what so many trials find, on validation",
            ("Model", *(f"Best of {count}" for count in budgets)),
            curves,
        ),
    )
    return tuple(table for table in found if table.rows)


def _choice(one: TunedModel, unit: Unit) -> tuple[Entry, ...]:
    """The cost of a model's trials, their results, and how certain the choice is."""
    again = _score(math.fsum(one.fresh) / len(one.fresh), unit) if one.fresh and one.used == one.best else NOTHING
    return (
        Entry(one.model),
        Entry(_trials(one)),
        Entry(duration(one.seconds)),
        Entry(_score(one.best_trial.score, unit)),
        Entry(again),
        Entry(NOTHING if one.as_good is None else f"{one.as_good} of {len(one.trials) - 1}"),
        Entry(settings(one.best_trial)),
    )


def _curve(one: TunedModel, budgets: Sequence[int], unit: Unit) -> tuple[Entry, ...]:
    """The median best score by number of trials, with its band."""
    found = (Entry(_with_band(one, count, unit), is_faint=count > len(one.trials)) for count in budgets)
    return (Entry(one.model), *found)


def trials_table(task: TaskComparison) -> Table:
    """Every trial of the task's models, with the best one of each in bold."""
    unit = unit_of(task.card.main_metric)
    rows = tuple(
        (
            Entry(one.model),
            Entry(str(trial.number), is_strong=trial.number == one.best),
            Entry(trial.status if trial.score is None else unit.score(trial.score), is_faint=trial.score is None),
            Entry(duration(trial.seconds)),
            Entry(settings(trial)),
        )
        for one in task.tuned
        for trial in one.trials
    )
    return Table(f"{task.task}: trials", ("Model", "Trial", "Validation score", "Time", "Recipe"), rows)


def shown_budgets(tuned: Sequence[TunedModel]) -> tuple[int, ...]:
    """The numbers of trials to show: powers of two and the last; none if there was no choice."""
    most = max((len(one.trials) for one in tuned if one.curve is not None), default=0)
    return tuple(sorted({2**power for power in range(most.bit_length())} | {most})) if most > 1 else ()


def tuning_notes(tasks: Sequence[TaskComparison]) -> Iterator[str]:
    """What readers must know about the tables of tuning, if there are any."""
    if not any(task.tuned for task in tasks):
        return
    yield (
        "Tuning: each model's recipes were tried on training and validation data alone, and the best one on "
        "validation was then trained with the seeds that are compared. The scores of trials are not results: the best "
        "of several is too good by chance. “Other trials as good” lie nearer to the best one than two equally good "
        "runs often do (1.96 standard errors, of the seeds and of the validation examples): if there are many, the "
        "choice was within noise, and the optimum is flat or the validation split small. Claims about a tuned model "
        "are about the recipe that its search found: another search as long might find a better or a worse one."
    )
    if any(shown_budgets(task.tuned) for task in tasks):
        yield (
            "“Best of k”: half of all random searches with as many trials find no more than this; in brackets a "
            "95 % band for the whole row at once, if so few trials allow any. It says nothing about "
            "recipes outside the search space."
        )


def order_lines(task: TaskComparison) -> Iterator[str]:
    """For each pair of models whose order changes, the numbers of trials at which the lead changes."""
    sign = 1 if task.card.higher_is_better else -1
    for one, other in combinations([one for one in task.tuned if one.curve is not None], 2):
        assert one.curve is not None
        assert other.curve is not None
        pairs = zip(one.curve.typical, other.curve.typical, strict=False)
        gaps = [(count, sign * (ours - theirs)) for count, (ours, theirs) in enumerate(pairs, 1) if ours != theirs]
        stretches = [(ahead, next(group)[0]) for ahead, group in groupby(gaps, key=lambda gap: gap[1] > 0)]
        if len(stretches) > 1:
            leaders = [f"{(one if ahead else other).model} from {count}" for ahead, count in stretches]
            yield f"On validation, by the number of trials, the better find is that of {', '.join(leaders)} on."


def settings(trial: TrialResult) -> str:
    """The settings that vary between trials, as written on the command line."""
    return ", ".join(f"{name}={_value(value)}" for name, value in trial.settings.items()) or NOTHING


TRIAL_COLUMNS = (
    "suite",
    "task",
    "model",
    "metric",
    "trial",
    "seed",
    "status",
    "validation_score",
    "seconds",
    "is_best",
)


def trials_csv(comparison: Comparison) -> str:
    """A line per trial, in full precision; empty if there are none."""
    return csv_text([{name: _field(value) for name, value in row.items()} for row in trial_rows(comparison)])


def trial_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A row per trial, with a column for each setting that varies between trials."""
    found = [(task, one, trial) for task in comparison.tasks for one in task.tuned for trial in one.trials]
    names = dict.fromkeys(name for _, _, trial in found for name in trial.settings)
    return [
        {**_known(task, one, trial), **{name: trial.settings.get(name) for name in names}} for task, one, trial in found
    ]


def _known(task: TaskComparison, one: TunedModel, trial: TrialResult) -> Mapping[str, Any]:
    which = (task.suite, task.task, one.model, task.card.main_metric, trial.number, trial.seed, trial.status)
    return dict(zip(TRIAL_COLUMNS, (*which, trial.score, trial.seconds, trial.number == one.best), strict=True))


def _field(value: Any) -> Field:
    return value if isinstance(value, Field) else json.dumps(value)


def _trials(one: TunedModel) -> str:
    lost = sum(trial.score is None for trial in one.trials)
    return f"{len(one.trials)} ({lost} without a score)" if lost else str(len(one.trials))


def _with_band(one: TunedModel, count: int, unit: Unit) -> str:
    if count > len(one.trials) or one.curve is None:
        return NOTHING
    typical, low, high = (ends[count - 1] for ends in (one.curve.typical, one.curve.low, one.curve.high))
    is_known = low != unit.least or high != unit.most
    return f"{_score(typical, unit)} ({_end(low, unit)} to {_end(high, unit)})" if is_known else _score(typical, unit)


def _end(value: float, unit: Unit) -> str:
    """An end of a band; a question mark if it is only bounded by the range of the score."""
    return "?" if value in (unit.least, unit.most) else unit.score(value)


def _score(value: float | None, unit: Unit) -> str:
    return NOTHING if value is None or not math.isfinite(value) else unit.score(value)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
