"""Cross-validation: one run per fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.config.run import LocalData
from harness.data.sources import Files
from harness.data.task import Source
from harness.errors import UserError
from harness.fold import Fold
from harness.runs.run import Run


def in_folds(run: Run) -> list[Run]:
    """One run per fold of the data, in a folder next to the run's own; the run itself without cross-validation."""
    local = run.config.local
    if local is None or local.folds is None:
        return [run]
    return [_tested_on(run, Fold(number=number, of=local.folds)) for number in range(1, local.folds + 1)]


def fold_by_fold(runs: Sequence[Run]) -> Iterator[Run]:
    """Runs on the same data, ordered by fold, so that the rows of each fold are read once."""
    for of_one_fold in zip(*map(in_folds, runs), strict=True):
        yield from of_one_fold


def check_folds(local: LocalData, source: Source) -> None:
    """Reject folds for a folder that has its own test split.

    Raises:
        UserError: If it has one.
    """
    if local.folds is not None and isinstance(source, Files) and "test" in source.files():
        raise UserError(
            f"folds: {local.train} has a test split, so its rows need not be test rows in turn. Leave out folds, "
            "or name the file to train on."
        )


def seed_folder(seed: int, fold: Fold | None = None) -> str:
    """The name of the folder of a run.

    >>> seed_folder(0), seed_folder(0, Fold(number=2, of=5))
    ('seed-0', 'seed-0-fold-2')
    """
    return f"seed-{seed}" if fold is None else f"seed-{seed}-fold-{fold.number}"


def _tested_on(run: Run, fold: Fold) -> Run:
    config = run.config.model_copy(update={"fold": fold})
    return replace(run, config=config, folder=run.folder.with_name(seed_folder(config.seed, fold)))
