"""Curves: a task's models at several values of a setting, and conclusions over all values.

Each value is a comparison and a family of claims of its own, so that a model is never compared with itself on fewer
examples. Statements over several values combine claims of these families and add none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, groupby
from math import isfinite

from harness.comparison.analysis import ModelRuns
from harness.comparison.power_law import LEAST_SIZES, PowerLaw, Reach, fitted_law
from harness.comparison.results import Curves, TaskComparison
from harness.comparison.statistics import SIGNIFICANCE
from harness.comparison.wording import doubtful, listed, named
from harness.metrics.lookup import unit_of
from harness.metrics.metric import Unit
from harness.record import TaskCard

MOST_CROSSINGS = 6
Scored = tuple[TaskComparison, Sequence[ModelRuns]]


def curves_of(scored: Sequence[Scored]) -> tuple[Curves, ...]:
    """The curves of every task that was compared at two or more values of a setting.

    Args:
        scored: The comparisons with their runs.
    """
    groups: dict[tuple[str, ...], list[Scored]] = defaultdict(list)
    for task, by_model in scored:
        if task.varied is not None and task.ranked:
            key = task.suite, task.varied.task, task.varied.setting, task.card.main_metric
            groups[key].append((task, by_model))
    joined = (_joined(sorted(group, key=lambda one: _value(one[0]))) for group in groups.values())
    return tuple(curves for curves in joined if len(curves.sizes) > 1)


def curve_verdict(curves: Curves) -> tuple[str, ...]:
    """The conclusions over all values, most important first."""
    return (_leading(curves), *_crossings(curves), *_reached(curves))


def _joined(scored: Sequence[Scored]) -> Curves:
    """Join comparisons in ascending order, without values that gave the same examples again."""
    by_size: dict[int, Scored] = {}
    for one in scored:
        by_size.setdefault(_size(one[0]), one)
    tasks = tuple(task for task, _ in by_size.values())
    varied = tasks[0].varied
    assert varied is not None, "such tasks alone are joined"
    laws = _laws(by_size) if varied.setting == "train_examples" else {}
    return Curves(sizes=tuple(by_size), tasks=tasks, varied=varied, laws=laws)


def _value(task: TaskComparison) -> int:
    assert task.varied is not None, "such tasks alone are joined"
    return task.varied.value


def _size(task: TaskComparison) -> int:
    """The value; for training examples, at most as many as there were."""
    counted = Counter(
        record.counts.examples["train"]
        for cell in task.cells
        for record in cell.scored_records
        if record.varied is not None and "train" in record.counts.examples
    )
    is_count = task.varied is not None and task.varied.setting == "train_examples"
    return min(_value(task), counted.most_common(1)[0][0]) if is_count and counted else _value(task)


def _laws(scored: Mapping[int, Scored]) -> dict[str, PowerLaw]:
    """The fitted law of each model that has one."""
    card = next(iter(scored.values()))[0].card
    best = _best(card)
    if not isfinite(best) or not all(task.look is None or task.look.is_whole for task, _ in scored.values()):
        return {}
    runs: dict[str, list[tuple[int, ModelRuns]]] = defaultdict(list)
    for size, (_, by_model) in scored.items():
        for one in by_model:
            if one.evidence is not None:
                runs[one.model].append((size, one))
    laws = {model: _law(found, card, best) for model, found in runs.items()}
    return {model: law for model, law in laws.items() if law is not None}


def _law(found: Sequence[tuple[int, ModelRuns]], card: TaskCard, best: float) -> PowerLaw | None:
    """Fit a power law; None if only some runs collapsed, as their mean follows no law, or if the test sets differ."""
    evidences = [one.evidence for _, one in found if one.evidence is not None]
    collapsed = any(one.evidence_without_collapsed(card) is not None for _, one in found)
    if collapsed or len({(one.test_set, one.units) for _, one in found}) > 1:
        return None
    return fitted_law([size for size, _ in found], evidences, best=best)


def _best(card: TaskCard) -> float:
    unit = unit_of(card.main_metric)
    return unit.most if card.higher_is_better else unit.least


def _leading(curves: Curves) -> str:
    """Say which models may be the best at which values."""
    models = curves.cells
    said = [(size, _tops(task, models)) for size, task in zip(curves.sizes, curves.tasks, strict=True)]
    parts = [
        f"with {listed(f'{size:,}' for size, _ in group)}, {tops}"
        for tops, group in groupby(said, key=lambda one: one[1])
    ]
    return f"By {curves.varied.words}: {'; '.join(parts)}."


def _tops(task: TaskComparison, models: Collection[str]) -> str:
    tops = [named(cell) for cell in task.ranked if cell.is_top]
    trained = [cell for cell in task.cells if cell.model in models and not cell.is_simple_baseline]
    unknown = [cell.model for cell in trained if not cell.is_compared]
    if not tops:
        return "nothing is claimed"
    only = f"{listed(tops)}{'' if len(tops) > 1 else ' alone'} may be the best"
    apart = f" (nothing is claimed about {listed(unknown)})" if unknown else ""
    return f"{only}{apart}{doubtful(task.doubts_of_claims)}"


def _crossings(curves: Curves) -> Iterator[str]:
    """Name the models that change places: each is shown to be ahead of the other at some value.

    For two models that never do, each value is another chance of a false claim, so the level is divided by the number
    of values.
    """
    ahead: dict[tuple[str, str], list[int]] = defaultdict(list)
    for size, task in zip(curves.sizes, curves.tasks, strict=True):
        for cell in task.cells:
            for winner, p in cell.p_behind.items():
                if p < SIGNIFICANCE / len(curves.sizes):
                    ahead[winner, cell.model].append(size)
    pairs = [(a, b) for a, b in combinations(curves.cells, 2) if (a, b) in ahead and (b, a) in ahead]
    doubts = doubtful(tuple(dict.fromkeys(doubt for task in curves.tasks for doubt in task.doubts_of_claims)))
    for pair in pairs[:MOST_CROSSINGS]:
        first, second = pair if min(ahead[pair]) <= min(ahead[pair[::-1]]) else pair[::-1]
        yield (
            f"{first} is ahead of {second} with {_sizes(ahead[first, second])}, and behind it with "
            f"{_sizes(ahead[second, first])}{doubts}."
        )
    if len(pairs) > MOST_CROSSINGS:
        yield f"{len(pairs) - MOST_CROSSINGS} more pairs change places, as the tables show."


def _sizes(sizes: Sequence[int]) -> str:
    return listed(f"{size:,}" for size in sizes)


def _reached(curves: Curves) -> Iterator[str]:
    """Say what more training examples would give, as far as the fitted laws can be trusted."""
    if curves.varied.setting != "train_examples" or len(curves.sizes) < LEAST_SIZES:
        return
    unit, silent = unit_of(curves.tasks[0].card.main_metric), []
    for model, found in curves.cells.items():
        law = curves.laws.get(model)
        reach = None if law is None else law.nearest_reach(factor=unit.factor)
        if law is not None and reach is not None:
            yield _told(model, reach, law, curves.tasks[0].card, unit)
        elif not found[0][1].is_simple_baseline:
            silent.append(model)
    if silent:
        yield f"The fitted law does not tell what more training examples would give {listed(silent)}."


def _told(model: str, reach: Reach, law: PowerLaw, card: TaskCard, unit: Unit) -> str:
    score = _best(card) - reach.error if card.higher_is_better else _best(card) + reach.error
    return (
        f"By the power law fitted to its scores, {model} reaches {unit.score(score)} with about "
        f"{_about(reach.examples)} training examples, {_about(reach.examples - law.largest)} more than "
        f"its largest training set (95 % interval of the total: {_about(reach.low)} to {_about(reach.high)})."
    )


def _about(examples: float) -> str:
    """Round to two significant digits.

    >>> _about(12345.6)
    '12,000'
    """
    return f"{int(float(f'{examples:.2g}')):,}"
