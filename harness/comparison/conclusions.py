"""What the data supports, in plain sentences, and no more than that.

"No difference found" is never "the same": the interval's width says what could have been seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.comparison.formatting import p_value
from harness.comparison.results import Cell, TaskComparison
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import Unit

ENOUGH_SEEDS = 3
MOST_NAMED = 24
"""Names that a sentence lists; of more it counts the rest, which the tables show."""


def verdict(task: TaskComparison) -> tuple[str, ...]:
    """The sentences about one task, the most important first."""
    if not task.ranked:
        return (f"No model has a score on {task.task} yet.",)
    unit = unit_of(task.card.main_metric)
    return (
        *_best(task, unit),
        *_against_baseline(task, unit),
        *_against_simple_baseline(task, unit),
        *_left_out(task),
        *_doubts(task),
    )


def reading(cell: Cell) -> str:
    """What the difference from the baseline says, in two or three words."""
    found = cell.from_baseline
    if found is None:
        return ""
    if found.estimate is None:
        return "not comparable: other test examples"
    if not found.estimate.includes_examples:
        return "not tested: recorded scores only"
    if found.adjusted_p is None:
        return "not tested: one seed" if not found.estimate.includes_seeds else "not tested"
    if not found.is_significant:
        return "no difference found"
    return "better" if (found.gain or 0) > 0 else "worse"


def listed(names: Sequence[str]) -> str:
    """The names as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    >>> listed([f"model-{number}" for number in range(200)]).partition("model-22, ")[2]
    'model-23 and 176 more'
    """
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _best(task: TaskComparison, unit: Unit) -> Iterator[str]:
    best, *others = task.ranked
    assert best.estimate is not None
    measure = metric_name(task.card.main_metric)
    direction = "highest" if task.card.higher_is_better else "lowest"
    interval = f", 95 % interval {unit.interval(best.estimate)}" if best.estimate.low is not None else ""
    if not others:
        yield f"{best.model} scores {unit.score(best.estimate.value)} in {measure}{interval}."
        yield "There is no other model to compare it with."
        return
    yield f"{best.model} has the {direction} {measure}: {unit.score(best.estimate.value)}{interval}."
    ahead_of = [cell.model for cell in others if best.model in cell.beaten_by]
    if ahead_of:
        everyone = "every other model" if len(ahead_of) == len(task.cells) - 1 > 1 else listed(ahead_of)
        yield f"It is ahead of {everyone} by more than chance explains."
    yield from _may_be_best(best, others)
    for cell in others:
        if cell.beaten_by and best.model not in cell.beaten_by:
            yield f"{cell.model} is behind {listed(cell.beaten_by)}."


def _may_be_best(best: Cell, others: Sequence[Cell]) -> Iterator[str]:
    """Which others may be the best; apart, those that only their own spread keeps in the race."""
    if not best.is_compared:
        return
    places = [place for place, cell in enumerate(others) if cell.beaten_by]
    first_behind = min(places, default=len(others))
    close = [cell.model for place, cell in enumerate(others) if cell.is_top and place < first_behind]
    noisy = [cell.model for place, cell in enumerate(others) if cell.is_top and place > first_behind]
    if close:
        yield f"{listed(close)} may be as good: no model is shown to be ahead, which does not make them equal."
    if noisy:
        yield f"{listed(noisy)} can't be ruled out, because the runs differ too much to say."


def _against_baseline(task: TaskComparison, unit: Unit) -> Iterator[str]:
    cells = [cell for cell in task.cells if not cell.is_simple_baseline and cell.from_baseline is not None]
    if not cells or cells[0].from_baseline is None:
        return
    against = cells[0].from_baseline.against
    for word in ("better", "worse"):
        found = [_with_difference(cell, unit) for cell in cells if reading(cell) == word]
        if found:
            yield f"Against {against}, {listed(found)} {'is' if len(found) == 1 else 'are'} {word}."
    open_ = [cell.model for cell in cells if reading(cell) == "no difference found"]
    if open_:
        yield f"No difference from {against} was found for {listed(open_)}."


def _with_difference(cell: Cell, unit: Unit) -> str:
    assert cell.from_baseline is not None
    assert cell.from_baseline.estimate is not None
    adjusted = p_value(cell.from_baseline.adjusted_p)
    named = f"p {adjusted if adjusted[0] == '<' else f'= {adjusted}'}".replace(" ", "\N{NO-BREAK SPACE}")
    return f"{cell.model} ({unit.signed(cell.from_baseline.estimate.value)}, {named})"


def _against_simple_baseline(task: TaskComparison, unit: Unit) -> Iterator[str]:
    baseline_name, below, close = "", [], []
    for cell in task.cells:
        found = cell.from_simple_baseline
        if found is None or found.estimate is None or found.gain is None:
            continue
        baseline_name, named = found.against, f"{cell.model} ({unit.signed(found.estimate.value)})"
        if found.gain <= 0:
            below.append(named)
        elif found.estimate.includes_examples and not found.is_significant:
            close.append(named)
    if below:
        yield f"The simple baseline {baseline_name} is not beaten by {listed(below)}."
    if close:
        yield f"Ahead of the simple baseline {baseline_name}, but within what chance explains: {listed(close)}."


def _left_out(task: TaskComparison) -> Iterator[str]:
    """The models that no claim is about, and what is missing."""
    single = [cell.model for cell in task.ranked if cell.estimate is not None and not cell.estimate.includes_seeds]
    if single:
        yield (
            f"Of {listed(single)} nothing is claimed: one seed does not tell how far another one would be off. Run at "
            f"least {ENOUGH_SEEDS} seeds."
        )
    gaps = [cell.model for cell in task.cells if cell.estimate is None]
    if gaps:
        yield f"{listed(gaps)} {'has' if len(gaps) == 1 else 'have'} no score here."


def _doubts(task: TaskComparison) -> Iterator[str]:
    estimates = {cell.model: cell.estimate for cell in task.ranked if cell.estimate is not None}
    if not all(estimate.includes_examples for estimate in estimates.values()):
        measure = metric_name(task.card.main_metric)
        yield f"The scores in {measure} are as recorded, and how far they depend on the test examples is not known."
        yield "So no model is shown to be better than another."
    for cell in task.cells:
        if cell.estimate is not None and cell.troubled and not cell.is_simple_baseline:
            yield (
                f"{cell.model} is known by {len(cell.scored)} of its {len(cell.runs)} runs: those that failed or "
                "diverged are not in its mean, which may flatter it."
            )
    yield from task.doubts
