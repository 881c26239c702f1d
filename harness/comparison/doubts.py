"""Reasons to doubt a claim, in a few words, placed next to the name or claim in the conclusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from harness.comparison.results import Run, TaskComparison
from harness.comparison.split import Split, named_labels
from harness.record import RunRecord, TaskCard
from harness.runs.identity import run_differences


def doubts_of_model(runs: Sequence[Run], missing: Sequence[int], *, has_other_settings: bool) -> tuple[str, ...]:
    """The reasons to doubt a model's mean.

    Args:
        runs: The runs of the model.
        missing: Seeds that other models have and this one lacks.
        has_other_settings: Whether its runs had different settings.
    """
    found = list(shortfalls(runs, missing))
    if has_other_settings:
        found.append("seeds with different settings")
    if len(data_of(run.record for run in runs)) > 1:
        found.append("seeds on different data")
    seeds = Counter(run.record.seed for run in runs)
    found += [f"seed {seed} twice" for seed, count in sorted(seeds.items()) if count > 1]
    return tuple(found)


def shortfalls(runs: Sequence[Run], missing: Sequence[int]) -> Iterator[str]:
    """Describe what happened to failed runs, such as "1 of 3 diverged"; nothing if there is no run at all."""
    if not runs:
        return
    planned = len(runs) + len(missing)
    collapsed = sum(run.is_collapsed for run in runs)
    if collapsed:
        yield f"{collapsed} of {planned} collapsed"
    folds = [fold for run in runs if run.score is not None and not run.is_collapsed for fold in run.folds]
    if any(fold.is_collapsed for fold in folds):
        yield f"{sum(fold.is_collapsed for fold in folds)} of {len(folds)} folds collapsed"
    counts = Counter(run.trouble_in_short for run in runs if run.score is None and not run.is_not_applicable)
    yield from (f"{count} of {planned} {what}" for what, count in sorted(counts.items()))
    if missing:
        yield f"{len(missing)} of {planned} not run"


def differing_settings(records: Sequence[RunRecord]) -> Iterator[str]:
    """The settings in which runs of a model differ from its first run, a line for each such run."""
    if not records:
        return
    first, *others = records
    for other in others:
        lines = run_differences(first.config, other.config)
        changed = [line for line in lines if not line.startswith(("seed: ", "fold.number: "))]
        if changed:
            yield (
                f"seeds {first.seed} and {other.seed} ran with different settings "
                f"({'; '.join(line.replace('recorded', 'first').replace('wanted', 'then') for line in changed)})."
            )


def doubts_of_order(
    test_sets: Iterable[object],
    units: Iterable[object],
    unknown_labels: Iterable[str],
    *,
    is_flipped: bool,
    hangs_on_repeats: bool,
) -> tuple[str, ...]:
    """The reasons to doubt the order of the models' scores.

    Args:
        test_sets: The test set of each model with a score.
        units: The units that each score is per.
        unknown_labels: Labels that a run predicted and no test example has, if the metric weights labels equally.
        is_flipped: Whether a record has the metric's direction wrong.
        hangs_on_repeats: Whether another model is the best without the test examples that repeat a training example.
    """
    labels = sorted(set(unknown_labels))
    doubts = {
        "not all models were tested on the same examples": len(set(test_sets)) > 1,
        "not all models have the same tokens": len(set(units)) > 1,
        f"predictions of {named_labels(labels)}, which no test example has, lower the average": bool(labels),
        "the records disagree on which way the metric points": is_flipped,
        "another model is the best without the test examples that repeat training ones": hangs_on_repeats,
    }
    return tuple(doubt for doubt, holds in doubts.items() if holds)


def doubts_of_claims(splits: Iterable[Split], records: Iterable[Sequence[RunRecord]]) -> tuple[str, ...]:
    """The reasons to doubt every claim of a difference.

    Args:
        splits: The test split of each run.
        records: The records of each model.
    """
    found = [doubt for split in {id(split): split for split in splits}.values() for doubt in split.doubts]
    data = {digests.pop() for one in records if len(digests := data_of(one)) == 1}
    if len(data) > 1:
        found.append("the models did not read the same data")
    return tuple(dict.fromkeys(found))


def unsaid_doubts(task: TaskComparison, said: Sequence[str]) -> Iterator[str]:
    """Yield one sentence with the doubts of the order, and of claims if any is made, that no sentence of `said` has."""
    claims = task.doubts_of_claims if any(cell.beaten_by for cell in task.cells) else ()
    unsaid = [doubt for doubt in (*task.doubts_of_order, *claims) if doubt not in " ".join(said)]
    if unsaid:
        yield f"But: {'; '.join(unsaid)}."


def data_of(records: Iterable[RunRecord]) -> set[str]:
    """The digests of the data that runs read, where they were recorded."""
    return {record.provenance.data_digest for record in records if record.provenance.data_digest}


def is_flipped(record: RunRecord, card: TaskCard) -> bool:
    """Return whether the record's direction of the main metric differs from the one used here."""
    own = record.task_card
    return own.main_metric == card.main_metric and own.higher_is_better != card.higher_is_better
