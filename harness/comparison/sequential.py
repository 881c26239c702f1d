"""Sequential comparison: seeds are added until it is decided.

Everything is a function of the records. A look compares only its own seeds, at its own level, so that a reader who
checks in between sees the claims of the last complete look.

A task stops when every model's comparison with the baseline (else with the best model) is either decided or futile,
that is, too small for the last look to show. Stopping for futility can only lose claims, so the error rate does not
depend on it, and continuing is allowed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt

from harness.comparison.analysis import ModelRuns
from harness.comparison.look import Look
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.statistics import NO_SPREAD, Evidence, difference
from harness.counted import counted
from harness.record import RunRecord
from harness.records import Found
from harness.suites.seeds import SeedRule

FUTILE = 0.98
"""Standard errors at the last look below which a difference is assumed not to be shown."""


def at_look(found: Sequence[Found], rule: SeedRule) -> tuple[Look | None, list[Found]]:
    """The last complete look and its runs; None for simple baselines alone, which have no seeds.

    A look is complete when every model with a result has a record, even of a failure, for each of the look's seeds.
    Before the first look, all runs of its seeds are returned.

    Args:
        found: The records of a task, with their folders.
        rule: The suite's rule.
    """
    recorded = _seeds_by_model([record for _, record in found if not record.simple_baseline])
    if not recorded:
        return None, list(found)
    scored = {record.model for _, record in found if record.status != "failed"}
    seeds = [own for model, own in recorded.items() if model in scored]
    number = 0
    while seeds and number < len(rule.looks) and all(own.issuperset(_seeds(rule, number + 1)) for own in seeds):
        number += 1
    wanted = _seeds(rule, max(number, 1))
    kept = [(folder, record) for folder, record in found if record.simple_baseline or record.seed in wanted]
    kept = kept or list(found)
    look = Look(
        number=number,
        looks=rule.looks,
        seeds=wanted,
        level=rule.levels[max(number - 1, 0)],
        left_out=len(found) - len(kept),
        begun_with=rule.begun_with,
    )
    return look, kept


def undecided(task: TaskComparison, by_model: Sequence[ModelRuns], baseline: str | None) -> tuple[str, ...]:
    """The models whose comparison with the baseline is neither decided nor futile.

    Args:
        task: The comparison at a look.
        by_model: The runs of the look.
        baseline: The model to compare with; if there is none or it was not compared, the best model.
    """
    if task.look is None or not task.look.is_whole:
        return ()
    evidence = {one.model: one.evidence for one in by_model}
    compared = [cell for cell in task.ranked if cell.is_compared]
    reference = next((cell for cell in compared if cell.model == baseline), next(iter(compared), None))
    if reference is None:
        return ()
    return tuple(
        cell.model
        for cell in compared
        if cell is not reference
        and not _is_decided(cell, reference)
        and not is_futile(evidence[cell.model], evidence[reference.model], task.look.looks[-1])
    )


def is_futile(ours: Evidence | None, theirs: Evidence | None, most: int) -> bool:
    """Return whether a difference is untestable, or too small to be shown with `most` seeds by current estimates."""
    if ours is None or theirs is None or ours.contributions.shape[1] != theirs.contributions.shape[1]:
        return True
    both, examples = difference(ours, theirs), difference(ours.averaged, theirs.averaged)
    if both.p_value is None:
        return True
    seeds = max(both.standard_error**2 - examples.standard_error**2, 0.0)
    now = max(len(ours.scores), len(theirs.scores))
    # Runs that all give one answer do not differ at all; then more of them are not expected to, either.
    return abs(both.value) < max(FUTILE * sqrt(examples.standard_error**2 + seeds * now / most), NO_SPREAD)


def look_lines(look: Look | None) -> Iterator[str]:
    """What readers must know about the look behind the claims, in sentences."""
    if look is None:
        return
    after = f"{', '.join(map(str, look.looks[:-1]))} and {look.looks[-1]}"
    if not look.is_whole:
        yield f"Nothing is claimed yet: looks are planned after {after} seeds, and the first one is missing runs."
    else:
        yield (
            f"Seeds are added until the comparisons are decided: this is look {look.number} of at most "
            f"{len(look.looks)}, after {len(look.seeds)} seeds each (looks were fixed at {after}). Its level is "
            f"{look.level:.4f}; p-values and intervals are scaled, so that p < 0.05 and 95 % hold over all looks."
        )
        yield _what_next(look)
    if look.left_out:
        verb = "is" if look.left_out == 1 else "are"
        yield f"{counted(look.left_out, 'run')} of further seeds {verb} left out until the next look is complete."
    if look.begun_with:
        verb = "was" if look.begun_with == 1 else "were"
        yield (
            f"{counted(look.begun_with, 'run')} {verb} recorded before the looks were planned: the level does not hold "
            "if the looks were planned by what was recorded before."
        )


def _what_next(look: Look) -> str:
    if look.number == len(look.looks):
        return "It was the last one."
    if look.undecided:
        return f"More seeds are to come, because of {', '.join(look.undecided)}."
    return (
        "No more seeds are needed: what is not decided can't be tested, or is so small that the last look would hardly "
        "show it."
    )


def _is_decided(cell: Cell, reference: Cell) -> bool:
    if cell.from_baseline is not None and cell.from_baseline.against == reference.model:
        return cell.from_baseline.is_significant
    return reference.model in cell.beaten_by or cell.model in reference.beaten_by


def _seeds_by_model(records: Sequence[RunRecord]) -> dict[str, set[int]]:
    """The seeds of each model with a record; in cross-validation, with a record of each fold."""
    parts: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    folds: dict[str, int] = defaultdict(int)
    for record in records:
        parts[record.model][record.seed].add(0 if record.fold is None else record.fold.number)
        folds[record.model] = max(folds[record.model], 1 if record.fold is None else record.fold.of)
    return {
        model: {seed for seed, found in seeds.items() if len(found) >= folds[model]} for model, seeds in parts.items()
    }


def _seeds(rule: SeedRule, number: int) -> tuple[int, ...]:
    return rule.seeds[: rule.looks[number - 1]]
