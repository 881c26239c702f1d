"""Conclusions over all tasks together: counts of tasks, never an average of scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.comparison.counts import Count, ModelOverTasks, OverTasks
from harness.comparison.results import Comparison
from harness.comparison.wording import listed

FEW_MODELS = 4
"""Maximum number of models to contrast with each other in text; for more, see the table."""
MOST_TOLD = 6
"""Maximum number of counts in a sentence; the table has the others."""


def verdict_over_tasks(comparison: Comparison) -> tuple[str, ...]:
    """The conclusions over all tasks, most important first; none for a single task."""
    found = comparison.over_tasks
    if found is None:
        return ()
    return (
        *_best(found, comparison),
        *_against_baseline(found, comparison.baseline),
        *_against_each_other(found, comparison),
        *_ranks(found),
        *_doubts(comparison),
    )


def _best(found: OverTasks, comparison: Comparison) -> Iterator[str]:
    yield from _counts(found, lambda one: one.best, "shown to be the best")
    always = [
        one.model for one in found.models if len(one.compared) == found.tasks and _is_always_bold(one, comparison)
    ]
    if always:
        yield f"{listed(always)} may be the best on each of the {found.tasks} tasks."
    yield from _counts(found, lambda one: one.not_best, "shown not to be the best")


def _is_always_bold(one: ModelOverTasks, comparison: Comparison) -> bool:
    """Return whether the section of each task also says that the model may be the best."""
    cells = [cell for task in comparison.tasks for cell in task.cells if cell.model == one.model and cell.is_compared]
    return all(cell.is_top for cell in cells)


def _against_baseline(found: OverTasks, baseline: str | None) -> Iterator[str]:
    if baseline is None or not any(one.model == baseline for one in found.models):
        return
    yield from _counts(found, lambda one: one.better, f"shown to be better than {baseline}")
    if not any(one.better.least for one in found.models):
        yield from _better_by_chance(found, baseline)
    yield from _counts(found, lambda one: one.worse, f"shown to be worse than {baseline}")


def _better_by_chance(found: OverTasks, baseline: str) -> Iterator[str]:
    seemingly = [f"{one.model} ({', '.join(one.better.shown)})" for one in found.models if one.better.shown]
    if seemingly:
        yield (
            f"Better than {baseline} on so few of the {found.tasks} tasks that it may be chance among so many: "
            f"{listed(seemingly)}."
        )
    else:
        yield f"No model is shown to be better than {baseline} on any of the {found.tasks} tasks."


def _against_each_other(found: OverTasks, comparison: Comparison) -> Iterator[str]:
    simple = {cell.model for task in comparison.tasks for cell in task.cells if cell.is_simple_baseline}
    trained = [one for one in found.models if one.model not in simple and one.model != comparison.baseline]
    if not 2 <= len(trained) <= FEW_MODELS:
        return
    names = {one.model for one in trained}
    told = [
        f"{one.model} is ahead of {other} on at least {_told(count, found.names)}"
        for one in trained
        for other, count in one.ahead.items()
        if other in names and count.least
    ]
    if told:
        yield f"{'; '.join(told)}."


def _ranks(found: OverTasks) -> Iterator[str]:
    if found.ranks is None:
        return
    ranks = ", ".join(f"{model} {rank:.1f}" for model, rank in found.ranks.by_model.items())
    yield (
        f"Mean ranks over the {found.tasks} tasks: {ranks}. Models whose mean ranks differ by less than "
        f"{found.ranks.critical_difference:.2f} are not told apart by them."
    )


def _doubts(comparison: Comparison) -> Iterator[str]:
    """Name the tasks whose own conclusions are doubtful, because the counts rest on them."""
    found = {
        task.task: None
        for task in comparison.tasks
        if task.doubts_of_claims or any(cell.doubts for cell in task.cells if cell.is_compared)
    }
    if found:
        yield f"What is said about {listed(found)} is doubtful, for the reasons given there."


def _counts(found: OverTasks, of: Callable[[ModelOverTasks], Count], words: str) -> Iterator[str]:
    """The counts of tasks per model as one sentence, largest first; nothing if all are zero."""
    models: dict[str, list[str]] = {}
    for one in sorted(found.models, key=lambda one: -of(one).least):
        if of(one).least:
            models.setdefault(_told(of(one), found.names), []).append(one.model)
    parts = [f"{listed(names)} on {told}" for told, names in models.items()]
    if parts:
        (told, first), *_ = models.items()
        parts[0] = f"{listed(first)} {'is' if len(first) == 1 else 'are'} {words} on at least {told}"
        more = ["others on fewer, or as many"] if len(parts) > MOST_TOLD else []
        yield f"{'; '.join([*parts[:MOST_TOLD], *more])}."


def _told(count: Count, names: Sequence[str]) -> str:
    """Format a count such as "2 of 3 tasks", naming the tasks or the exceptions, whichever is shorter."""
    others = [name for name in names if name not in count.shown]
    which = f"all but {listed(others)}" if len(others) < len(count.shown) else listed(count.shown)
    singly = "" if count.least == len(count.shown) else "individually on "
    named = "" if not others else f" ({singly}{which})"
    return f"{count.least} of {len(names)} tasks{named}"
