"""Outcome: a run's test predictions, scored again.

Scores come from the predictions and not from the record, so a new metric needs no training; the record's own
score serves as a check. A metric of the `evaluate` library is somebody's code, and is not run here, for runs may come
from a stranger: its score is the record's, and nothing is known of what each example adds. Only the columns that are
needed are read: a thousand runs take seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.comparison.clean import clean_rows, repeats_in
from harness.comparison.predictions import digest_of_test_set, read_predictions
from harness.comparison.split import Split, described
from harness.data.splitting import REPEATS_TRAINING
from harness.errors import UserError
from harness.metrics.influence import by_jackknife, of_mean
from harness.metrics.lookup import find_metric
from harness.metrics.metric import EVALUATE, Floats, Metric
from harness.record import PREDICTIONS, RECORD
from harness.regular_files import check_regular
from harness.task_types.contract import TaskType

JACKKNIFE_BLOCKS = 40
LARGEST = 1e100
"""A score beyond is none: no square of it is a number."""


class NotApplicableError(UserError):
    """The metric says nothing of a model of this sort."""


class NotANumberError(UserError):
    """The score is infinite, or not a number."""


@dataclass(frozen=True, slots=True, eq=False)
class RescoredRun:
    """What one run's predictions amount to.

    Attributes:
        test_set: Digest of the test examples' ids, groups and references, in order: equal digests can be paired.
            Ids alone don't do: rows without an id of their own are numbered, in every file alike.
        examples: How many test examples there are.
        score: The metric, in its natural unit.
        contributions: How far each cluster of examples moves the score [clusters]; they add up to zero. None of them
            [0] where the score is as recorded.
        shares: Each cluster's share of the examples [clusters].
        split: What the test examples are like.
        units: Digest of how many units each example has for the model; empty where the metric has none of its own.
        is_constant: Whether the predictions tell no example from another, though the references do.
        unknown_labels: Labels that it predicted and no test example has, where the metric weighs labels alike.
        values: Each example's own value [examples], where the score is their mean; else None.
        clean: The same of the examples that repeat no training example, where some do (`harness.comparison.clean`).
        all_repeat: Whether all of the examples repeat one.
    """

    test_set: str
    examples: int
    score: float
    contributions: Floats
    shares: Floats
    split: Split
    units: str = ""
    is_constant: bool = False
    unknown_labels: tuple[str, ...] = ()
    values: Floats | None = None
    clean: RescoredRun | None = None
    all_repeat: bool = False


@dataclass(frozen=True, slots=True)
class _Rules:
    labels: Sequence[str]
    metric: str
    task_type: TaskType | None
    splits: dict[str, Split]


def rescore(
    folder: Path,
    labels: Sequence[str],
    metric: str,
    *,
    recorded: Mapping[str, float] | None = None,
    others: Sequence[Path] = (),
    task_type: TaskType | None = None,
    splits: dict[str, Split] | None = None,
) -> RescoredRun:
    """The outcome of the run in `folder`, scored by `metric`.

    Args:
        folder: Where the predictions lie.
        labels: The label names in their order.
        metric: A metric's name; one of the `evaluate` library's is not loaded, but taken from `recorded`.
        recorded: The record's test scores by metric.
        others: Folders of a cross-validation's other folds, whose predictions are scored together with these.
        task_type: The task's, which knows the answers that tell no example from another; None: none are looked for.
        splits: What is known by then of test splits scored like this, by digest; it is added to.

    Raises:
        NotApplicableError: The metric says nothing of such a model.
        NotANumberError: The score is infinite, or none.
        UserError: The predictions are missing, cut short, empty, or nothing that the metric can score; or there is no
            recorded score where one is due.
    """
    file = folder / PREDICTIONS
    check_regular(file, "Do the run again with --redo.", within=folder)
    try:
        rules = _Rules(labels, metric, task_type, {} if splits is None else splits)
        return _rescored(folder, rules, recorded=recorded or {}, others=others)
    except UserError:
        raise
    except Exception as error:  # The columns may hold anything, and what reads them is any task type's own.
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(f"{file}: {metric} can't score them ({reason:.200}). Do the run again with --redo.") from error


def _rescored(folder: Path, rules: _Rules, *, recorded: Mapping[str, float], others: Sequence[Path]) -> RescoredRun:
    table = read_predictions((folder, *others), (REPEATS_TRAINING,))
    if rules.metric.startswith(EVALUATE):
        score, split = _recorded(recorded, rules.metric, folder), Split(table.num_rows)
        return RescoredRun(digest_of_test_set(table), table.num_rows, score, np.zeros(0), np.zeros(0), split)
    found, clean = _of_table(table, rules, folder), clean_rows(table)
    if clean is not None:
        with suppress(NotANumberError, NotApplicableError):
            return replace(found, clean=_of_table(clean, rules, folder))
    repeats = repeats_in(table)
    return replace(found, all_repeat=repeats is not None and bool(repeats.all()))


def _of_table(table: Any, rules: _Rules, folder: Path) -> RescoredRun:
    digest = digest_of_test_set(table)
    metric, clusters = find_metric(rules.metric), clusters_of(table["group"])
    with np.errstate(invalid="ignore", over="ignore"):  # A score that is no number is told below.
        score, contributions, shares, values = scored_table(table, rules.labels, metric, clusters)
    if not (_is_number(score) and _is_number(contributions)):
        raise _no_number(score, metric, folder / PREDICTIONS)
    if digest not in rules.splits:
        rules.splits[digest] = described(
            table,
            clusters,
            metric,
            rules.labels,
            rules.task_type,
            lambda answered: scored_table(answered, rules.labels, metric, clusters)[0],
        )
    split = rules.splits[digest]
    columns = (table["reference"].combine_chunks(), table["prediction"].combine_chunks())
    return RescoredRun(
        digest,
        table.num_rows,
        score,
        contributions,
        shares,
        split,
        _units(table, metric),
        is_constant=split.constant_score is not None
        and rules.task_type is not None
        and rules.task_type.is_constant(*columns),
        unknown_labels=_unknown(metric.label_counts(columns[1], rules.labels), split) if metric.label_counts else (),
        values=values,
    )


def _no_number(score: float, metric: Metric, file: Path) -> UserError:
    if metric.partial and np.isnan(score):
        return NotApplicableError(f"{file}: no {metric.name}: this model predicts in another way, or has no tokens.")
    return NotANumberError(
        f"{file}: {metric.name} is not a number. The predictions contain values that are not numbers, or far too large."
    )


def _unknown(predicted: Mapping[str, int], split: Split) -> tuple[str, ...]:
    return tuple(sorted(predicted.keys() - split.label_counts.keys()))


def _is_number(value: float | Floats) -> bool:
    """Whether it is finite, and its square too, of which variances are made."""
    return bool(np.all(np.abs(value) <= LARGEST))


def _recorded(scores: Mapping[str, float], metric: str, folder: Path) -> float:
    score = scores.get(metric)
    if score is None or not _is_number(score):
        kind = UserError if score is None else NotANumberError
        raise kind(f"{folder / RECORD}: no test score of {metric} (got {score}). Do the run again with --redo.")
    return score


def _units(table: Any, metric: Metric) -> str:
    if not metric.units:
        return ""
    counts = [prediction[metric.units] for prediction in table["prediction"].to_pylist()]
    return hashlib.sha256(repr(counts).encode()).hexdigest()


def clusters_of(groups: Any) -> NDArray[np.int64]:
    """The cluster of each example [examples], from 0; an example without a group is a cluster of its own."""
    names = groups.combine_chunks().cast("string").fill_null("").dictionary_encode()
    codes = np.asarray(names.indices, dtype=np.int64)
    alone = np.array([not name for name in names.dictionary.to_pylist()])[codes]
    codes[alone] = len(names.dictionary) + np.flatnonzero(alone)
    return np.unique(codes, return_inverse=True)[1]


def scored_table(
    table: Any, labels: Sequence[str], metric: Metric, clusters: NDArray[np.int64]
) -> tuple[float, Floats, Floats, Floats | None]:
    """The score, the contribution of each cluster (of each block, where only the jackknife will do), and its share.

    At last each example's value, where the score is their mean.

    Args:
        table: Of the columns reference and prediction.
        labels: The label names in their order.
        metric: What scores it.
        clusters: The cluster of each example (`clusters_of`).
    """
    if metric.influence is not None:
        columns = (table["reference"].combine_chunks(), table["prediction"].combine_chunks())
        score, influences = metric.influence(*columns, labels)
        values = score + influences if metric.per_example is not None else None
        return score, by_cluster(influences, clusters), shares_of(clusters), values
    references, predictions = table["reference"].to_pylist(), table["prediction"].to_pylist()
    if metric.per_example is not None:
        score, influences = of_mean(np.asarray(metric.per_example(references, predictions, labels), dtype=np.float64))
        return score, by_cluster(influences, clusters), shares_of(clusters), score + influences

    def score_of(rows: NDArray[np.int64]) -> float:
        return float(metric.function([references[i] for i in rows], [predictions[i] for i in rows], labels))

    blocks = clusters % JACKKNIFE_BLOCKS
    return score_of(np.arange(len(references))), by_jackknife(score_of, blocks), shares_of(blocks), None


def by_cluster(influences: Floats, clusters: NDArray[np.int64]) -> Floats:
    """How far each cluster moves a mean [clusters], from how far each example moves it [examples]."""
    return np.bincount(clusters, weights=influences) / len(influences)


def shares_of(clusters: NDArray[np.int64]) -> Floats:
    """Each cluster's share of the examples [clusters]."""
    return np.bincount(clusters) / len(clusters)
