"""Recommend a model for a task, with the numbers behind it.

The recommendation says no more than the task's claims (`harness.comparison.claims`). If these leave several models in
the race, the cheapest to train is recommended; if they include a simple baseline, that baseline, until more is known.
If the runs were cut short for a first answer, whatever is recommended is recommended for now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from harness.comparison.conclusions import ENOUGH_SEEDS
from harness.comparison.conclusions_margin import in_words
from harness.comparison.costs import cheaper_by
from harness.comparison.doubts import unsaid_doubts
from harness.comparison.formatting import duration, ratio, share
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.wording import doubtful, listed, named
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import Unit

SAME_COST = 1.1  # Two costs up to this ratio count as equal: the time of a run varies by as much.
_MORE = ("A run that collapsed learnt nothing; more steps or another recipe (--trials 8) may help.",)
MOST_UNSEEN = 0.5
"""The share of the test texts' tokens that a model may leave unread without a word about it."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The recommendation for a task.

    Attributes:
        kind: "best": it is ahead of the others; "cheapest": of several that may be the best; "baseline": nothing beats
            the simple baseline; "unclear": more runs or test examples are needed; "after short runs": full runs are
            needed.
        model: The recommended model, provisional in the last two cases; None: nothing can be recommended.
        advice: The advice in one sentence.
        reasons: The reasons, one sentence each, most important first.
    """

    kind: Literal["best", "cheapest", "baseline", "unclear", "after short runs"]
    model: str | None
    advice: str
    reasons: tuple[str, ...] = ()


def recommended(task: TaskComparison) -> Recommendation:
    """Recommend a model for a task."""
    found = _recommended(task)
    found = replace(
        found, reasons=(*found.reasons, *unsaid_doubts(task, [found.advice, *found.reasons]), *_unread(task))
    )
    if not task.short_runs:
        return found
    why = f"These are short runs ({task.short_runs}); full runs may change that."
    kind: Literal["unclear", "after short runs"] = "unclear" if found.model is None else "after short runs"
    return replace(found, kind=kind, reasons=(why, *found.reasons))


def unseen_share(cell: Cell) -> float | None:
    """Share of the test split's tokens that the model never read; None if they were not counted."""
    counts = [record.counts.tokens["test"] for record in cell.scored_records if "test" in record.counts.tokens]
    total = sum(count.total for count in counts)
    return 1 - sum(count.seen for count in counts) / total if total else None


def _unread(task: TaskComparison) -> Iterator[str]:
    """Say that the best trained model saw little of the texts, if so: with all of them it may score differently."""
    best = next((cell for cell in task.ranked if not cell.is_simple_baseline), None)
    unseen = None if best is None else unseen_share(best)
    if best is not None and unseen is not None and unseen > MOST_UNSEEN:
        yield (
            f"{best.model} never read {share(unseen)} of the test texts, which may explain its score. See strategy "
            "(windows reads a whole text, unless a target is written) and max_length."
        )


def _recommended(task: TaskComparison) -> Recommendation:
    ranked, unit = task.ranked, unit_of(task.card.main_metric)
    trained = [cell for cell in ranked if not cell.is_simple_baseline]
    simple = next((cell for cell in ranked if cell.is_simple_baseline), None)
    if not trained:
        only = f" Only simple baselines have one, of which {simple.model} is the best." if simple else ""
        return Recommendation(
            "unclear", simple.model if simple else None, f"Can't tell yet: no trained model has a score.{only}"
        )
    contenders = _contenders(ranked)
    if not any(cell.is_compared for cell in trained):
        single = any(not cell.mean.includes_seeds for cell in trained)
        waits = task.look is not None and not task.look.is_whole
        return _too_few_seeds(trained[0], simple, task, unit) if single or waits else _untested(trained[0], task)
    best = next(cell for cell in ranked if cell.is_compared)
    if simple is not None and simple in _above(best, task):
        advice = f"Can't tell: the simple baseline {simple.model} scores better, but was not tested in the same way."
        return Recommendation("unclear", None, advice, tuple(_reasons(best, task, unit)))
    near = [cell for cell in ranked if cell.is_near_best and not cell.has_learnt_nothing]
    if near and near != contenders[:1]:
        return _within_margin(near, task, unit)
    if simple is not None and simple in contenders:
        leader = next((cell for cell in trained if _is_beside(cell, simple)), None)
        return _untested(trained[0], task) if leader is None else _with_simple_baseline(leader, simple, task, unit)
    return _of_trained(contenders, task, unit)


def _contenders(ranked: Sequence[Cell]) -> list[Cell]:
    """The models that may be the best and score above every model that is shown not to be."""
    first_behind = next((place for place, cell in enumerate(ranked) if cell.beaten_by), len(ranked))
    return [cell for cell in ranked[:first_behind] if cell.is_top]


def _too_few_seeds(best: Cell, simple: Cell | None, task: TaskComparison, unit: Unit) -> Recommendation:
    """No model has enough seeds to be compared; a simple baseline that scores above them all costs the least anyway."""
    wanted = ENOUGH_SEEDS if task.look is None else task.look.looks[0]
    run_more = f"run at least {wanted} seeds of each model"
    leads = simple is not None and task.ranked.index(simple) < task.ranked.index(best)
    known = "" if simple is None else f", the simple baseline {simple.model} {_score(simple, unit)}"
    seeds = "one seed" if len(best.scored) == 1 else f"{len(best.scored)} seeds"
    scores = f"With {seeds} {best.model} has {_score(best, unit)} in {metric_name(task.card.main_metric)}{known}"
    reasons = (f"{scores}; another seed may change that.",)
    if simple is None or not leads:
        return Recommendation("unclear", None, f"Can't tell yet: {run_more}.", reasons)
    advice = f"{_use_for_now(simple.model, task)}: no model scores above the simple baseline. To tell, {run_more}."
    return Recommendation("unclear", simple.model, advice, reasons)


def _untested(best: Cell, task: TaskComparison) -> Recommendation:
    """No difference of a trained model was tested, for reasons other than missing seeds."""
    if not best.clusters:
        advice = "Can't tell: the scores are as recorded, and how far they depend on the test examples is not known."
    elif best.clusters < 2:
        advice = "Can't tell: there are too few test examples, or groups of them."
    else:
        advice = "Can't tell: no other model was tested on the same examples, or scored on the same tokens."
    first = named(task.ranked[0])
    return Recommendation("unclear", None, advice, (f"{first} has the best score{doubtful(task.doubts_of_order)}.",))


def _within_margin(near: Sequence[Cell], task: TaskComparison, unit: Unit) -> Recommendation:
    """Recommend the cheapest of the models that are shown to be less than the margin behind the best."""
    assert task.margin is not None, "only with one is a model near the best"
    expense, _ = _expense(near)
    cheapest, about = _cheapest(near, expense)
    best = next(cell for cell in task.ranked if cell.is_compared)
    every = all(cell.is_compared or cell.is_simple_baseline for cell in task.ranked)
    of_those = "" if every else " of those compared"
    advice = f"{_use(cheapest.model, task)}: no model{of_those} is better by more than {in_words(task.margin, task)}"
    merit = f"costs least to train{about}" if expense(cheapest) < inf else "has the best score"
    advice += f", and of {len(near)} such models it {merit}." if len(near) > 1 else "."
    scores = f"{cheapest.model} has {_score(cheapest, unit)}"
    other = "" if best is cheapest else f"; {best.model}, the best{of_those}, {_score(best, unit)}"
    return Recommendation("cheapest", cheapest.model, advice, (f"{scores}{other}.", *_reasons(cheapest, task, unit)))


def _is_beside(cell: Cell, simple: Cell) -> bool:
    """Whether the model's difference from the simple baseline is known, from the same test examples."""
    found = cell.from_simple_baseline
    return found is not None and found.against == simple.model and found.estimate is not None


def _with_simple_baseline(leader: Cell, simple: Cell, task: TaskComparison, unit: Unit) -> Recommendation:
    """The simple baseline may be the best: nothing is shown to beat it."""
    found = leader.from_simple_baseline
    assert found is not None, "the leader is beside the simple baseline"
    assert found.estimate is not None, "likewise"
    if (found.gain or 0.0) <= 0:
        apart = tuple(_apart([cell for cell in _above(simple, task) if not _is_beside(cell, simple)], unit))
        best = "the best model compared with it" if apart else "the best model"
        scores = f"{simple.model} has {_score(simple, unit)}; {named(leader)}, {best}, {_score(leader, unit)}."
        if apart:
            advice = f"{_use_for_now(simple.model, task)}: no model that is compared with it beats the simple baseline."
            return Recommendation("unclear", simple.model, advice, (scores, *apart))
        if (read := _share_read(leader)) < 1:
            start = _use_for_now(simple.model, task)
            advice = f"{start}: nothing beats the simple baseline after so short a training."
            why = f"{leader.model} has read {share(read)} of the training examples; more steps may change that."
            return Recommendation("unclear", simple.model, advice, (scores, why))
        advice = f"{_use(simple.model, task)}: nothing beats the simple baseline."
        return Recommendation("baseline", simple.model, advice, (scores, *(_MORE if leader.collapsed else ())))
    interval = f" ({unit.interval(found.estimate, signed=True)}, unadjusted)" if found.estimate.low is not None else ""
    gain = f"{unit.signed(found.estimate.value)}{interval}"
    return Recommendation(
        "unclear",
        simple.model,
        f"{_use_for_now(simple.model, task)}: no model is shown to beat the simple baseline.",
        (
            f"{named(leader)} is ahead of {simple.model} by {gain}, which may be chance.",
            *_needed(leader, simple, task),
        ),
    )


def _use(model: str, task: TaskComparison) -> str:
    return _use_for_now(model, task) if task.short_runs else f"Use {model}"


def _use_for_now(model: str, task: TaskComparison) -> str:
    return f"Use {model} for now{', after short runs' if task.short_runs else ''}"


def _share_read(cell: Cell) -> float:
    """Epochs over the training examples, for the longest run; 1 if no curve records them."""
    return max((record.curve[-1].epoch for record in cell.scored_records if record.curve), default=1.0)


def _of_trained(contenders: Sequence[Cell], task: TaskComparison, unit: Unit) -> Recommendation:
    best = contenders[0]
    if best.has_learnt_nothing:
        return Recommendation("unclear", None, f"Can't tell yet: all runs of {best.model}, the best, collapsed.", _MORE)
    reasons = tuple(_reasons(best, task, unit))
    if len(contenders) == 1:
        behind = listed([named(cell) for cell in task.cells if best.model in cell.beaten_by])
        advice = (
            f"{_use(named(best), task)}: it is ahead of {behind}{doubtful(task.doubts_of_claims)}."
            if behind
            else f"{_use(named(best), task)}: no other model is compared with it."
        )
        return Recommendation("best", best.model, advice, reasons)
    useful = [cell for cell in contenders if not cell.has_learnt_nothing]
    expense, name = _expense(useful)
    cheapest, about = _cheapest(useful, expense)
    if cheapest is best or expense(cheapest) == inf:
        first = "it has the best score" if best is task.ranked[0] else "of the models compared it has the best score"
        others = listed([cell.model for cell in useful[1:] or contenders[1:]])
        none = f"none costs less{' by a tenth or more' if about else ''}"
        none = none if expense(cheapest) < inf else "none is known to cost less"
        end = none if len(useful) > 1 else "all runs collapsed"
        advice = f"{_use(best.model, task)}: {first}, and of those that may be as good, {others}, {end}."
        return Recommendation("cheapest", best.model, advice, (*_needed(best, contenders[1], task), *reasons))
    part = expense(cheapest) / expense(best) if 0 < expense(best) < inf else None
    cost = "" if part is None else f" at {ratio(part)} of the {name}"
    return Recommendation(
        "cheapest",
        cheapest.model,
        f"{_use(cheapest.model, task)}: no model is shown to be better, and of those that may be the best it costs "
        f"least{about}.",
        (
            f"{best.model} has {_score(best, unit)}, {cheapest.model} {_score(cheapest, unit)}{cost}; "
            "the difference may be chance.",
            *_needed(contenders[0], contenders[1], task),
            *reasons,
        ),
    )


def _above(chosen: Cell, task: TaskComparison) -> list[Cell]:
    """The trained models with a better score, and the best simple baseline; the others are never compared."""
    simple = next((cell for cell in task.ranked if cell.is_simple_baseline), None)
    above = task.ranked[: task.ranked.index(chosen)]
    return [cell for cell in above if cell is simple or not cell.is_simple_baseline]


def _apart(cells: Sequence[Cell], unit: Unit) -> Iterator[str]:
    """Say of models with a better score than the recommended one why they are not compared with it."""
    for cell in cells:
        has_seeds = cell.mean.includes_seeds
        why = "it was tested on other examples, or scored on other tokens" if has_seeds else "it has one seed"
        yield f"{named(cell)} scores better ({_score(cell, unit)}), but is not compared: {why}."


def _reasons(best: Cell, task: TaskComparison, unit: Unit) -> Iterator[str]:
    yield from _apart([cell for cell in _above(best, task) if not cell.is_compared], unit)
    found = best.from_simple_baseline
    if found is not None and found.estimate is not None and (found.gain or 0.0) > 0:
        gain = unit.signed(found.estimate.value)
        interval = f" ({unit.interval(found.estimate, signed=True)})" if found.estimate.low is not None else ""
        yield f"{best.model} is ahead of the simple baseline {found.against} by {gain}{interval}."
    if best.cost is not None and best.cost.train_seconds:
        where = "" if best.cost.train_processor_seconds is None else " of processor time"
        yield f"A training run of {best.model} took {duration(best.cost.training_time)}{where}."
    if task.doubts:
        yield f"But: {task.doubts[0]}"


def _needed(leader: Cell, rival: Cell, task: TaskComparison) -> Iterator[str]:
    """Say what would distinguish the two models, if known."""
    needed = task.needed
    if needed is not None and (needed.leader, needed.rival) == (leader.model, rival.model):
        yield str(needed)


def _expense(cells: Sequence[Cell]) -> tuple[Callable[[Cell], float], str]:
    """The measure of training cost for some models, and its name."""
    of_cost, name = cheaper_by([cell.cost for cell in cells])
    return lambda cell: of_cost(cell.cost), name


def _cheapest(cells: Sequence[Cell], expense: Callable[[Cell], float]) -> tuple[Cell, str]:
    """The model with the best score of those that cost least, give or take a tenth; the tenth in words if it counts."""
    least = min(map(expense, cells))
    found = next(cell for cell in cells if expense(cell) <= max(least, SAME_COST * least))
    return found, "" if expense(found) == least else ", give or take a tenth"


def _score(cell: Cell, unit: Unit) -> str:
    return unit.score(cell.mean.value)
