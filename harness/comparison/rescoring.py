"""Score a run's test predictions again.

Scores come from the predictions and not from the record, so that a new metric needs no training; the recorded score
serves as a check. A metric of the `evaluate` library is third-party code and is not run here, because runs may come
from a stranger: its score is the recorded one, and the contributions of examples are unknown. Only the needed columns
are read: a thousand runs take seconds.
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
"""Larger scores are rejected, because their squares overflow."""


class NotApplicableError(UserError):
    """The metric does not apply to this kind of model."""


class NotANumberError(UserError):
    """The score is infinite or NaN."""


@dataclass(frozen=True, slots=True, eq=False)
class RescoredRun:
    """The rescored predictions of one run.

    Attributes:
        test_set: Digest of the test examples' ids, groups and references, in order: equal digests can be paired. Ids
            alone don't suffice: rows without ids are numbered, in the same way in every file.
        examples: Number of test examples.
        score: The score in the metric's natural unit.
        contributions: How far each cluster of examples moves the score [clusters]; they sum to zero. Empty [0] if the
            score is the recorded one.
        shares: Each cluster's share of the examples [clusters].
        split: Properties of the test split.
        units: Digest of the number of units of each example for the model; empty if the metric has no units.
        is_constant: Whether all predictions are the same, though the references differ.
        unknown_labels: Labels that the run predicted and no test example has, if the metric weights labels equally.
        values: The value of each example [examples] if the score is their mean; else None.
        clean: The result on examples that repeat no training example, if some do (`harness.comparison.clean`).
        all_repeat: Whether all examples repeat a training example.
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
    """Score the run in `folder` by `metric`.

    Args:
        folder: The folder of the predictions.
        labels: The label names in order.
        metric: The name of a metric; for one of the `evaluate` library, the score is taken from `recorded`.
        recorded: The record's test scores by metric.
        others: Folders of the other folds of a cross-validation, which are pooled with this one.
        task_type: The task type, which knows constant answers; None: they are not looked for.
        splits: Cache of test splits by digest, for the same metric; new ones are added.

    Raises:
        NotApplicableError: If the metric does not apply to such a model.
        NotANumberError: If the score is not finite.
        UserError: If the predictions are missing, truncated, empty or can't be scored by the metric, or a required
            recorded score is missing.
    """
    file = folder / PREDICTIONS
    check_regular(file, "Do the run again with --redo.", within=folder)
    try:
        rules = _Rules(labels, metric, task_type, {} if splits is None else splits)
        return _rescored(folder, rules, recorded=recorded or {}, others=others)
    except UserError:
        raise
    except Exception as error:  # The columns may hold anything, and any task type reads them.
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
    with np.errstate(invalid="ignore", over="ignore"):  # Non-finite scores are reported below.
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
    predicted = {*metric.label_counts(columns[1], rules.labels)} if metric.label_counts else set[str]()
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
        unknown_labels=tuple(sorted(predicted - split.label_counts.keys())),
        values=values,
    )


def _no_number(score: float, metric: Metric, file: Path) -> UserError:
    if metric.partial and np.isnan(score):
        return NotApplicableError(f"{file}: no {metric.name}: this model predicts in another way, or has no tokens.")
    return NotANumberError(
        f"{file}: {metric.name} is not a number. The predictions contain values that are not numbers, or far too large."
    )


def _is_number(value: float | Floats) -> bool:
    """Return whether the value is finite, and its square too, which variances need."""
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
    """The cluster of each example [examples], from 0; an example without a group is its own cluster."""
    names = groups.combine_chunks().cast("string").fill_null("").dictionary_encode()
    codes = np.asarray(names.indices, dtype=np.int64)
    alone = np.array([not name for name in names.dictionary.to_pylist()])[codes]
    codes[alone] = len(names.dictionary) + np.flatnonzero(alone)
    return np.unique(codes, return_inverse=True)[1]


def scored_table(
    table: Any, labels: Sequence[str], metric: Metric, clusters: NDArray[np.int64]
) -> tuple[float, Floats, Floats, Floats | None]:
    """Return the score, the contribution and the share of each cluster, and the value of each example.

    If only the jackknife applies, contributions are per block. Values are None unless the score is their mean.

    Args:
        table: A table with the columns reference and prediction.
        labels: The label names in order.
        metric: The metric.
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
    """Aggregate influences on a mean by example [examples] to those by cluster [clusters]."""
    return np.bincount(clusters, weights=influences) / len(influences)


def shares_of(clusters: NDArray[np.int64]) -> Floats:
    """Each cluster's share of the examples [clusters]."""
    return np.bincount(clusters) / len(clusters)
