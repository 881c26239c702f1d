"""Conclusions: what the data supports, in plain sentences.

`verdict` stands alone, as in a paper; `beside_tables` leaves out what the recommendation and the tables show.

"No difference found" never means "the same": the width of the interval says what could have been detected. A doubt is
stated in the sentence that it concerns, next to the model's name or after the claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose

from harness.comparison.collapse import most_that_collapse
from harness.comparison.conclusions_margin import about_margin
from harness.comparison.formatting import p_value, share
from harness.comparison.results import COPIED, Cell, TaskComparison
from harness.comparison.sequential import look_lines
from harness.comparison.statistics import Estimate
from harness.comparison.tuned import tuning_lines
from harness.comparison.wording import doubtful, listed, named
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import EVALUATE, Unit

ENOUGH_SEEDS = 3
UNSHOWN = "not shown: every run collapsed"
OPEN = "no difference found"
READINGS = ("better", "worse", OPEN)
"""How a tested difference is read."""


def verdict(task: TaskComparison) -> tuple[str, ...]:
    """The conclusions about one task, most important first."""
    if not task.ranked:
        return (f"No model has a score on {task.task} yet.",)
    unit = unit_of(task.card.main_metric)
    return (
        *_best(task, unit),
        *_tuning(task),
        *_against_baseline(task, unit),
        *_against_simple_baseline(task, unit),
        *_apart_from_order(task, unit),
    )


def beside_tables(task: TaskComparison) -> tuple[str, ...]:
    """The conclusions about one task that neither its recommendation nor its tables show, most important first."""
    if not task.ranked:
        return ()
    best, *others = task.ranked
    unit = unit_of(task.card.main_metric)
    return (
        *_flattered(best, unit, higher_is_better=task.card.higher_is_better),
        *_not_ruled_out(best, others),
        *_behind_others(task),
        *_tuning(task),
        *_against_simple_baseline(task, unit),
        *_apart_from_order(task, unit),
    )


def _apart_from_order(task: TaskComparison, unit: Unit) -> tuple[str, ...]:
    return (
        *about_margin(task),
        *_collapsed(task, unit),
        *_left_out(task),
        *_cross_validated(task),
        *look_lines(task.look),
        *_doubts(task),
    )


def reading(cell: Cell) -> str:
    """Describe the difference from the baseline in two or three words."""
    found = cell.from_baseline
    if found is None:
        return ""
    if found.estimate is None:
        return "not comparable: different test examples"
    if not cell.clusters:
        return "not tested: recorded scores only"
    if found.adjusted_p is None:
        if not found.estimate.includes_seeds:
            return "not tested: one seed"
        return "not tested: too few groups of test examples" if cell.clusters < 2 else "not tested"
    if not found.is_significant:
        return UNSHOWN if cell.has_learnt_nothing and _excludes_zero(found.estimate) else OPEN
    return "better" if (found.gain or 0) > 0 else "worse"


def _excludes_zero(found: Estimate) -> bool:
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)


def _best(task: TaskComparison, unit: Unit) -> Iterator[str]:
    best, *others = task.ranked
    measure = metric_name(task.card.main_metric)
    direction = "highest" if task.card.higher_is_better else "lowest"
    interval = f", 95 % interval {unit.interval(best.mean)}" if best.mean.low is not None else ""
    score = f"{unit.score(best.mean.value)}{interval}{doubtful(task.doubts_of_order)}"
    if not others:
        yield f"{named(best)} scores {score} in {measure}."
        alone = len(task.cells) == 1
        yield (
            "There is no other model to compare it with." if alone else "No other model has a score to compare it with."
        )
        return
    yield f"{named(best)} has the {direction} {measure}: {score}."
    yield from _tied(best, others)
    ahead_of = [cell for cell in others if best.model in cell.beaten_by]
    if ahead_of:
        everyone = _everyone(ahead_of) if len(ahead_of) == len(task.cells) - 1 > 1 else listed(map(named, ahead_of))
        yield f"It is ahead of {everyone} by more than chance explains{doubtful(task.doubts_of_claims)}."
    yield from _flattered(best, unit, higher_is_better=task.card.higher_is_better)
    yield from _as_good(best, others)
    yield from _not_ruled_out(best, others)
    yield from _behind_others(task)


def _behind_others(task: TaskComparison) -> Iterator[str]:
    """Name the models that are shown to be behind others, but not behind the one with the best score."""
    best, *others = task.ranked
    by_name = {cell.model: cell for cell in task.cells}
    for cell in others:
        if cell.beaten_by and best.model not in cell.beaten_by:
            ahead = listed(named(by_name[model]) for model in cell.beaten_by)
            yield f"{named(cell)} is behind {ahead}{doubtful(task.doubts_of_claims)}."


def _tied(best: Cell, others: Sequence[Cell]) -> Iterator[str]:
    tied = [cell for cell in others if isclose(cell.mean.value, best.mean.value, rel_tol=1e-12)]
    if tied:
        yield f"{listed(map(named, tied))} {'has' if len(tied) == 1 else 'have'} the same score."


def _everyone(others: Sequence[Cell]) -> str:
    in_doubt = [named(cell) for cell in others if cell.doubts]
    return f"every other model, {listed(in_doubt)} among them," if in_doubt else "every other model"


def _flattered(best: Cell, unit: Unit, *, higher_is_better: bool) -> Iterator[str]:
    """Say that the best score is optimistic, as the best of several, and where an interval that allows for it ends."""
    found = best.best_of
    if found is not None:
        end = f"begins at {unit.score(found.low)}" if higher_is_better else f"ends at {unit.score(found.high)}"
        yield (
            f"{best.model}'s score is the best of {found.models} that may be the best, which flatters it: an interval "
            f"that allows for the choice {end}."
        )


def _as_good(best: Cell, others: Sequence[Cell]) -> Iterator[str]:
    """Name the models that may also be the best, and score above all that are shown not to be."""
    close = [named(cell) for cell in others[: _first_behind(others)] if cell.is_top and not cell.has_learnt_nothing]
    if close and best.is_compared:
        yield f"{listed(close)} may be as good: no model is shown to be ahead, which does not make them equal."


def _not_ruled_out(best: Cell, others: Sequence[Cell]) -> Iterator[str]:
    """Name the models that may be the best only because their own runs vary, or collapsed."""
    if not best.is_compared:
        return
    noisy = [cell for cell in others[_first_behind(others) :] if cell.is_top and not cell.has_learnt_nothing]
    fallen = [cell for cell in others if cell.is_top and cell.has_learnt_nothing]
    if noisy:
        yield f"{listed(map(named, noisy))} can't be ruled out, because the runs differ too much to say."
    if fallen:
        who = listed(map(named, fallen))
        yield f"{who} can't be ruled out, because collapsed runs don't show what others would score."


def _first_behind(others: Sequence[Cell]) -> int:
    return next((place for place, cell in enumerate(others) if cell.beaten_by), len(others))


def _tuning(task: TaskComparison) -> Iterator[str]:
    return tuning_lines(task.tuned, [cell.model for cell in task.ranked if not cell.is_simple_baseline])


def _against_baseline(task: TaskComparison, unit: Unit) -> Iterator[str]:
    cells = [cell for cell in task.cells if not cell.is_simple_baseline and cell.from_baseline is not None]
    if not cells or cells[0].from_baseline is None:
        return
    against = cells[0].from_baseline.against
    baseline = next((named(cell) for cell in task.cells if cell.model == against), against)
    for word in ("better", "worse"):
        found = [_with_difference(cell, unit) for cell in cells if reading(cell) == word]
        if found:
            verb = "is" if len(found) == 1 else "are"
            yield f"Against {baseline}, {listed(found)} {verb} {word}{doubtful(task.doubts_of_claims)}."
    open_ = [_with_difference(cell, unit) for cell in cells if reading(cell) == OPEN]
    if open_:
        yield f"No difference from {baseline} was found for {listed(open_)}."


def _with_difference(cell: Cell, unit: Unit) -> str:
    assert cell.from_baseline is not None
    assert cell.from_baseline.estimate is not None
    adjusted = p_value(cell.from_baseline.adjusted_p)
    shown = f"p {adjusted if adjusted[0] == '<' else f'= {adjusted}'}".replace(" ", "\N{NO-BREAK SPACE}")
    doubts = "".join(f", {doubt}" for doubt in cell.doubts)
    return f"{cell.model} ({unit.signed(cell.from_baseline.estimate.value)}, {shown}{doubts})"


def _against_simple_baseline(task: TaskComparison, unit: Unit) -> Iterator[str]:
    baseline_name, below, close = "", [], []
    for cell in task.cells:
        found = cell.from_simple_baseline
        if found is None or found.estimate is None or found.gain is None:
            continue
        is_baseline = cell.from_baseline is not None and cell.from_baseline.against == found.against
        if is_baseline and reading(cell) in READINGS:
            continue  # The difference from the baseline is this one.
        doubts = "".join(f", {doubt}" for doubt in cell.doubts)
        baseline_name, shown = found.against, f"{cell.model} ({unit.signed(found.estimate.value)}{doubts})"
        if found.gain <= 0:
            below.append(shown)
        elif found.adjusted_p is not None and not found.is_significant:
            close.append(shown)
    if below:
        yield f"The simple baseline {baseline_name} is not beaten by {listed(below)}."
    if close:
        yield f"Ahead of the simple baseline {baseline_name}, but within what chance explains: {listed(close)}."


def _collapsed(task: TaskComparison, unit: Unit) -> Iterator[str]:
    """For models of which some runs collapsed: how many may collapse, and the score of the others."""
    for cell in task.cells:
        count, runs = len(cell.collapsed), len(cell.scored)
        if not count:
            continue
        which = f"The only run of {cell.model}" if runs == 1 else f"{count} of {runs} runs of {cell.model}"
        counted = f"{which} collapsed (one answer to all, or no better than that)"
        if cell.without_collapsed is None:
            yield f"{counted}{'; the others are hardly better' if count < runs else ''}."
            continue
        rest = "other one scores" if runs - count == 1 else f"other {runs - count} score"
        scope = "" if cell.without_collapsed.includes_seeds else ", of test examples alone"
        yield (
            f"{counted}; that up to {share(most_that_collapse(count, runs))} do can't be excluded. The {rest} "
            f"{unit.with_interval(cell.without_collapsed)}{scope}; the mean of all has no interval, "
            "because it depends on how many collapse."
        )


def _left_out(task: TaskComparison) -> Iterator[str]:
    """Name the models that no claim is made about, and what they lack."""
    single = [cell.model for cell in task.ranked if not cell.mean.includes_seeds]
    if single:
        yield (
            f"Nothing is claimed about {listed(single)}: one seed does not show how much another one "
            f"would differ. Run at least {ENOUGH_SEEDS} seeds."
        )
    gaps = [cell for cell in task.cells if cell.estimate is None]
    if gaps:
        yield f"{listed(map(named, gaps))} {'has' if len(gaps) == 1 else 'have'} no score here."
    untested = [cell for cell in task.ranked if cell.clusters and cell.clusters < 2]
    if len(untested) > 1:
        only = "all test examples are one group, or nearly" if untested[0].examples > 1 else "there is one test example"
        yield f"Nothing is claimed about the order of {listed(cell.model for cell in untested)}: {only}."


def _cross_validated(task: TaskComparison) -> Iterator[str]:
    if task.folds:
        rows = max(cell.examples for cell in task.cells)
        yield f"Scores are from {task.folds}-fold cross-validation: {rows:,} rows, each a test row once."


def _doubts(task: TaskComparison) -> Iterator[str]:
    if task.card.main_metric.startswith(EVALUATE):
        measure = metric_name(task.card.main_metric)
        yield f"The scores in {measure} are as recorded, and how far they depend on the test examples is not known."
        yield "So no model is shown to be better than another."
    for cell in task.cells:
        copies = sum(run.trouble_in_short == COPIED for run in cell.runs)
        if copies and cell.estimate is not None:
            yield (
                f"Of {cell.model} {copies} of {len(cell.runs)} runs are copies of another, with the same numbers to "
                "the bit, and are not counted."
            )
        if cell.estimate is not None and len(cell.troubled) > copies and not cell.is_simple_baseline:
            yield (
                f"{cell.model} is known by {len(cell.scored)} of its {len(cell.runs)} runs: those without "
                "a score, such as failed ones, are not in its mean, which may flatter it."
            )
    yield from task.doubts
