"""Cross-validation: the folds of one seed are pooled into one run, in which each row is a test row once.

Their predictions are scored together, not fold by fold: the mean F1 of the folds is a different and biased estimate
(Forman and Scholz 2010, "Apples-to-apples in cross-validation studies").
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.comparison.rescoring import RescoredRun, rescore
from harness.comparison.results import COPIED, Run
from harness.errors import UserError
from harness.fold import Fold
from harness.metrics.metric import EVALUATE
from harness.record import RunRecord, Status

Analysed = tuple[Run, RescoredRun | None]
Found = tuple[Path, Analysed]
Score = Callable[[Path, RunRecord, Sequence[Path]], Analysed]
GRAVEST: Sequence[Status] = ("failed", "diverged", "complete")
INCOMPLETE = "incomplete"


def by_seed(found: Sequence[Found]) -> list[list[Found]]:
    """Group a model's runs by seed: single runs alone, the folds of a cross-validation together and in order."""
    seeds: defaultdict[tuple[int, int, int], list[Found]] = defaultdict(list)
    for place, one in enumerate(found):
        record = one[1][0].record
        seeds[(record.seed, 0, place) if record.fold is None else (record.seed, record.fold.of, 0)].append(one)
    return [sorted(seeds[key], key=_number) for key in sorted(seeds)]


def together(found: Sequence[Found], score: Score) -> Analysed:
    """Combine the runs of one seed: a single run as it is; folds scored together, if none is missing.

    Args:
        found: The run, or the folds in order, with their folders.
        score: Scores the pooled predictions of a folder and of others for a record.
    """
    folders, folds = [folder for folder, _ in found], tuple(_one_fold(*one) for _, one in found)
    records = [run.record for run in folds]
    if records[0].fold is None:
        return found[0][1]
    missing = list(_missing([record.fold for record in records if record.fold is not None]))
    troubled = [run for run in folds if run.score is None]
    if not missing and not troubled:
        run, rescored = score(folders[0], _record(records, _scores(folders, records)), folders[1:])
        return replace(run, folds=folds), rescored
    told = [run for run in troubled if not (missing and run.trouble_in_short == COPIED)]  # reported as a duplicate
    run = Run(
        record=_record(records, None),
        score=None,
        trouble="; ".join([*missing, *(f"{run.record.fold}: {run.trouble}" for run in told)]),
        trouble_in_short=INCOMPLETE if missing else troubled[0].trouble_in_short,
        is_not_applicable=not missing and all(run.is_not_applicable for run in folds),
        folds=folds,
    )
    return run, None


def _one_fold(run: Run, rescored: RescoredRun | None) -> Run:
    """Call a fold collapsed by its answers alone: on few rows, a score no better than a constant's may be chance."""
    return replace(run, is_collapsed=run.is_collapsed and rescored is not None and rescored.is_constant)


def _missing(found: Sequence[Fold]) -> Iterator[str]:
    counts = Counter(fold.number for fold in found)
    lost = [str(number) for number in range(1, found[0].of + 1) if number not in counts]
    if lost:
        yield f"{'folds' if len(lost) > 1 else 'fold'} {', '.join(lost)} of {found[0].of}: not run"
    yield from (f"fold {number} appears twice, remove a copy" for number, count in counts.items() if count > 1)


def _record(records: Sequence[RunRecord], scores: dict[str, float] | None) -> RunRecord:
    """Combine what all folds share with what belongs to all of them together; costs stay with each fold.

    Without scores some folds are unknown, and the digest of the data they read would be wrong.
    """
    first = records[0]
    tested = sum(record.counts.examples.get("test", 0) for record in records)
    return first.model_copy(
        update={
            "fold": None,
            "status": min((record.status for record in records), key=GRAVEST.index),
            "scores": {"test": scores or {}},
            "curve": (),
            "counts": first.counts.model_copy(update={"examples": {**first.counts.examples, "test": tested}}),
            "provenance": first.provenance.model_copy(
                update={"data_digest": "" if scores is None else _digest(records)}
            ),
            "notes": tuple(dict.fromkeys(note for record in records for note in record.notes)),
        }
    )


def _digest(records: Sequence[RunRecord]) -> str:
    digests = [record.provenance.data_digest for record in records]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest() if all(digests) else ""


def _scores(folders: Sequence[Path], records: Sequence[RunRecord]) -> dict[str, float]:
    """The scores of all rows by each metric that every fold was scored by.

    For a metric of the `evaluate` library, which is not run here, the score is the mean of the recorded fold scores,
    weighted by their rows.
    """
    sizes = [record.counts.examples.get("test", 0) for record in records]
    found = {}
    for metric in records[0].scores.get("test", {}):
        recorded = [record.scores.get("test", {}).get(metric) for record in records]
        known = [score for score in recorded if score is not None]
        if len(known) < len(records):
            continue
        mean = sum(size * score for size, score in zip(sizes, known, strict=True)) / max(sum(sizes), 1)
        if metric.startswith(EVALUATE):
            found[metric] = mean
        else:
            with suppress(UserError):
                found[metric] = rescore(folders[0], records[0].task_card.labels, metric, others=folders[1:]).score
    return found


def _number(found: Found) -> int:
    fold = found[1][0].record.fold
    return 0 if fold is None else fold.number
