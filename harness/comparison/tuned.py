"""How the models of a task were tuned, from the records of their trials. The test split is not involved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.metrics.lookup import unit_of
from harness.record import RunRecord, TaskCard
from harness.records import Found, grouped, read_all_records
from harness.runs.identity import differences
from harness.tuning.curves import TuningCurve, tuning_curve
from harness.tuning.winner import best_of, outcome_of, validation_score

NORMAL_95 = 1.96
MOST_IN_CURVE = 1000
"""With more trials the band takes too long to compute, and would add little."""
BUDGETS = {"flops": "training FLOPs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """The result of one trial.

    Attributes:
        score: The main metric on the validation split; None if there is none.
        settings: The settings that vary between the model's trials.
        seconds: Total time in seconds.
    """

    number: int
    status: str
    seed: int
    score: float | None
    settings: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedModel:
    """The trials of a model on a task.

    Attributes:
        trials: The trials in order of their numbers.
        best: The number of the best trial.
        used: The number of the trial whose settings the seeds were trained with; None if they differ.
        curve: The best score by number of trials; None if they are not a random sample of one space, or too many.
        fresh: Validation scores of the seeds trained with the settings in use.
        noise: The standard error of the difference between two equally good runs; None if unknown.
        examples: Number of examples in the validation split.
        spaces: Number of search spaces that the trials were drawn from; it should be one.
        budget: The resource that was equal for the task's models.
    """

    model: str
    trials: tuple[TrialResult, ...]
    best: int
    used: int | None
    curve: TuningCurve | None
    fresh: tuple[float, ...]
    noise: float | None
    examples: int
    spaces: int = 1
    budget: str = "trials"

    @property
    def best_trial(self) -> TrialResult:
        """The best trial."""
        return next(trial for trial in self.trials if trial.number == self.best)

    @property
    def has_winner(self) -> bool:
        """Whether any trial has a score."""
        return self.best_trial.score is not None

    @property
    def seconds(self) -> float:
        """Total time of all trials in seconds."""
        return math.fsum(trial.seconds for trial in self.trials)

    @property
    def as_good(self) -> int | None:
        """Number of other trials that the noise does not distinguish from the best one; None if unknown."""
        best = self.best_trial.score
        if self.noise is None or best is None:
            return None
        others = [trial.score for trial in self.trials if trial.number != self.best and trial.score is not None]
        return sum(abs(score - best) < NORMAL_95 * self.noise for score in others)


def tuned_models(found: Sequence[Found], card: TaskCard) -> tuple[TunedModel, ...]:
    """The tuned models of a task by name; none if the metric is not theirs.

    Args:
        found: The records of the task's seeds, with their folders; the trials are next to them.
        card: The task card.
    """
    seeds = [
        (folder, record)
        for folder, record in found
        if record.tuning is not None and record.task_card.main_metric == card.main_metric
    ]
    return tuple(
        _tuned_model(trials, [record for _, record in runs], card)
        for _, runs in sorted(grouped(seeds, lambda record: record.model).items())
        if (trials := _trials_beside(runs))
    )


def _trials_beside(seeds: Sequence[Found]) -> list[RunRecord]:
    """The records of the trials in the model's folder, once each."""
    first = seeds[0][1]
    places = dict.fromkeys(folder.parent / "trials" for folder, _ in seeds)
    known = {
        record.trial.number: record
        for place in places
        for _, record in read_all_records(place)[1]
        if record.trial is not None and record.task == first.task and _is_named(first.model, record.model)
    }
    # With a budget of cost there may be more trials than it finally allowed.
    allowed = [one.trials for _, record in seeds if (one := record.tuning) is not None and one.budget != "trials"]
    return [known[number] for number in sorted(known) if not allowed or number < max(allowed)]


def _is_named(name: str, model: str) -> bool:
    """Return whether a model goes by the name, which may also name its suite (`harness.comparison.several`)."""
    return name == model or name.startswith(f"{model} (")


def _tuned_model(trials: Sequence[RunRecord], seeds: Sequence[RunRecord], card: TaskCard) -> TunedModel:
    outcomes, unit = [outcome_of(record) for record in trials], unit_of(card.main_metric)
    best = best_of(outcomes, higher_is_better=card.higher_is_better)
    scores = [outcome.score for outcome in outcomes]
    tunings = [record.tuning for record in seeds if record.tuning is not None]
    told, used = tunings[-1], {one.best for one in tunings}
    fresh = [score for record in seeds if (score := validation_score(record)) is not None]
    examples = max(record.counts.examples.get("validation", 0) for record in trials)
    spaces = len({record.trial.space for record in trials if record.trial is not None})
    winner = next(record for record, outcome in zip(trials, outcomes, strict=True) if outcome.number == best)
    is_share = (unit.least, unit.most) == (0.0, 1.0)
    same = all(not differences(winner.config["training"], record.config["training"]) for record in seeds)
    return TunedModel(
        model=seeds[0].model,
        trials=tuple(_result(record, _varied(trials)) for record in trials),
        best=best,
        used=best if same else used.pop() if len(used) == 1 else None,
        curve=None
        if told.sampler != "random" or spaces > 1 or len(trials) > MOST_IN_CURVE
        else tuning_curve(scores, higher_is_better=card.higher_is_better, least=unit.least, most=unit.most),
        fresh=tuple(fresh),
        noise=_noise(fresh, outcome_of(winner).score, examples, is_share),
        examples=examples,
        spaces=spaces,
        budget=told.budget,
    )


def _noise(fresh: Sequence[float], score: float | None, examples: int, is_share: bool) -> float | None:
    """The standard error of the difference between two equally good runs.

    The seed of each run adds its variance. If the score is a share, the examples of each run add theirs, half of which
    is assumed to be shared by both runs, because the examples are the same.
    """
    of_seeds = 2 * float(np.var(fresh, ddof=1)) if len(fresh) > 1 else None
    of_examples = max(score * (1 - score), 0.0) / examples if is_share and score is not None and examples else None
    known = [part for part in (of_seeds, of_examples) if part is not None]
    return math.sqrt(sum(known)) if known else None


def _result(record: RunRecord, varied: Sequence[str]) -> TrialResult:
    assert record.trial is not None, "the record is a trial's"
    return TrialResult(
        number=record.trial.number,
        status=record.status,
        seed=record.seed,
        score=outcome_of(record).score,
        settings={name: record.config.get("training", {}).get(name) for name in varied},
        seconds=math.fsum(record.cost.seconds.values()),
    )


def _varied(trials: Sequence[RunRecord]) -> list[str]:
    """The settings that vary between a model's trials, in the order of the training settings.

    A setting that is newer than a trial's record does not count as different there.
    """
    values: dict[str, list[Any]] = {}
    for record in trials:
        for name, value in record.config.get("training", {}).items():
            values.setdefault(name, []).append(value)
    return [name for name, (first, *others) in values.items() if any(value != first for value in others)]


def tuning_doubts(tuned: Sequence[TunedModel], where: str) -> Iterator[str]:
    """Warn about models whose seeds don't use the settings that the trials choose, or with incomparable trials."""
    for one in tuned:
        if one.used != one.best:
            used = "other settings" if one.used is None else f"the settings of trial {one.used}"
            yield (
                f"{where}/{one.model}: its seeds were trained with {used}, but of its {len(one.trials)} trials, trial "
                f"{one.best} is best. Run the suite again with --redo, which keeps the trials."
            )
        if not one.has_winner:
            yield (
                f"{where}/{one.model}: none of its {len(one.trials)} trials has a score on validation, so nothing "
                "speaks for the recipe of its seeds."
            )
        if one.spaces > 1:
            yield f"{where}/{one.model}: its trials are from {one.spaces} search spaces, so it has no curve."


def tuning_lines(tuned: Sequence[TunedModel], trained: Sequence[str]) -> Iterator[str]:
    """Say how the models of a task were tuned; nothing if none was.

    Args:
        tuned: The tuned models.
        trained: Names of all models that have a score, without simple baselines.
    """
    counts = {one.model: len(one.trials) for one in tuned if one.model in trained}
    if not counts:
        return
    as_they_are = [model for model in trained if model not in counts]
    budgets = {BUDGETS.get(one.budget, one.budget) for one in tuned}
    each = f"{min(counts.values())} {'trial' if max(counts.values()) == 1 else 'trials'} each"
    listed = ", ".join(f"{model} {count}" for model, count in counts.items())
    if budgets - {"trials"}:
        yield f"Tuned at equally many {' or '.join(sorted(budgets))} each, in trials: {listed}."
        if as_they_are:
            yield f"Not tuned: {', '.join(as_they_are)}."
    elif len({*counts.values()}) > 1:
        yield f"The models were tuned at unequal numbers of trials ({listed}), which favours those with more."
    elif as_they_are:
        yield f"{', '.join(counts)}: tuned, at {each}. Not tuned: {', '.join(as_they_are)}."
    else:
        others = [one.model for one in tuned if one.model in trained and (one.used != one.best or not one.has_winner)]
        apart = f", {', '.join(others)} apart," if others else ""
        every = f"every trained model's recipe{apart}" if len(others) < len(trained) else "no trained model's recipe"
        yield f"All this is at {each}: {every} is the best of so many on validation."
