"""Differences between two runs: settings, data, scores, and the test examples with different predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from harness.comparison.effects import SAME, exact_mcnemar
from harness.comparison.predictions import digest_of_test_set
from harness.comparison.rescoring import clusters_of, scored_table
from harness.comparison.statistics import Estimate, Floats, difference
from harness.comparison.subsets import Answers, evidence_of
from harness.error_analysis.answered import ModelAnswers, answered_run
from harness.errors import UserError
from harness.metrics.lookup import find_metric, known_metrics
from harness.record import RunRecord
from harness.records import Found
from harness.registry import TASK_TYPES
from harness.runs.identity import identity
from harness.runs.mistakes import texts_of


@dataclass(frozen=True, slots=True)
class Differing:
    """A setting, or a property of the data or the machine, that differs between two runs."""

    name: str
    one: Any
    other: Any


@dataclass(frozen=True, slots=True)
class ScorePair:
    """A score of two runs.

    Attributes:
        metric: The name of the metric.
        one: The score of the first run; None if it has none, or the metric does not apply to its model.
        other: The score of the second run.
        difference: The second minus the first, with an interval for other test examples. None if the runs were tested
            on different examples, or the score has no value or influence per example.
    """

    metric: str
    one: float | None
    other: float | None
    difference: Estimate | None


@dataclass(frozen=True, slots=True)
class FlippedExamples:
    """The numbers of test examples on which one of two runs is better.

    Attributes:
        metric: The metric that compares them.
        won: The number of examples on which the second run is better.
        lost: The number of examples on which the first run is better.
        p_value: The p-value of McNemar's exact test (1947) of the hypothesis that both runs are equally likely to be
            better where they differ. None if examples are grouped, and therefore not independent.
    """

    metric: str
    won: int
    lost: int
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A test example with different predictions of two runs.

    Attributes:
        id: The id of the example.
        reference: The reference.
        one: The prediction of the first run.
        other: The prediction of the second run.
        gap: How much more wrong the first run is (`TaskType.wrongness`); negative if the second is.
        texts: The texts of the example; None if the data is no longer available.
    """

    id: str
    reference: Any
    one: Any
    other: Any
    gap: float
    texts: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class RunDifference:
    """The differences between two runs.

    Attributes:
        runs: The two runs with their folders.
        settings: Differences in the configuration, model or seed.
        data: Differences in the data.
        origin: Differences in versions of code and packages, or in the machine.
        scores: The scores by each metric of either run.
        flips: None if they were tested on different examples, or no metric has a value per example.
        disagreements: The examples with different predictions, those with the largest gap first.
        disagree: The number of test examples with different predictions; None if they were tested on different
            examples.
        why_unpaired: The reason why test examples can't be compared; empty if they can.
    """

    runs: tuple[Found, Found]
    settings: tuple[Differing, ...]
    data: tuple[Differing, ...]
    origin: tuple[Differing, ...]
    scores: tuple[ScorePair, ...]
    flips: FlippedExamples | None
    disagreements: tuple[Disagreement, ...]
    disagree: int | None
    why_unpaired: str


def run_difference(one: Path, other: Path, count: int) -> RunDifference:
    """Return the differences of the run in `other` from the run in `one`.

    Args:
        one: The folder of a run.
        other: The folder of another run.
        count: Number of examples with different predictions to show.

    Raises:
        UserError: If either is not a run, both are the same one, or their predictions are damaged.
    """
    if one.resolve() == other.resolve():
        raise UserError(f"{other}: is the same run as {one}. Name two runs.")
    pair = (answered_run(one), answered_run(other))
    records = (pair[0].runs[0][1], pair[1].runs[0][1])
    why = _why_unpaired(pair, records)
    shown, disagree = _disagreements(pair, count) if not why else ((), None)
    return RunDifference(
        (pair[0].runs[0], pair[1].runs[0]),
        tuple(_differing(*map(_settings, records))),
        tuple(_differing(*map(_data, records))),
        tuple(_differing(*map(_origin, records))),
        tuple(_scores(pair, records, is_paired=not why)),
        None if why else _flips(pair, records),
        shown,
        disagree,
        why,
    )


def _why_unpaired(pair: Sequence[ModelAnswers], records: Sequence[RunRecord]) -> str:
    for model in pair:
        if not model.answers.tables:
            return f"{model.runs[0][0]} has no predictions of test examples"
    if records[0].task_card.task_type != records[1].task_card.task_type:
        return "their tasks are of different types"
    digests = {digest_of_test_set(model.answers.tables[0]) for model in pair}
    return "they were tested on different examples" if len(digests) > 1 else ""


def _settings(record: RunRecord) -> dict[str, Any]:
    return {
        "model": record.model, "suite": record.suite, "family": record.family,
        **({"trial": record.trial.number} if record.trial is not None else {}),
        **_flat(identity(record.config), leave_out=("data", "files")),
    }  # fmt: skip


def _data(record: RunRecord) -> dict[str, Any]:
    counts = record.counts
    return {
        "source": record.config.get("data"),
        "digest of all examples": record.provenance.data_digest[:12],
        **{f"{split} examples": count for split, count in counts.examples.items()},
        **{f"left out: {reason}": count for reason, count in counts.dropped.items()},
        "labels": ", ".join(record.task_card.labels),
    }


def _origin(record: RunRecord) -> dict[str, Any]:
    origin = record.provenance
    return {
        "code": origin.git_commit and f"{origin.git_commit[:8]}{origin.local_changes}",
        "base checkpoint": origin.checkpoint_digest[:12] or origin.hub_commit,
        **origin.packages,
        **{f"machine: {name}": value for name, value in origin.hardware.items()},
    }


def _flat(content: Mapping[str, Any], prefix: str = "", leave_out: Sequence[str] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key in leave_out:
            continue
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Differing]:
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Differing(name, one.get(name), other.get(name))


def _scores(pair: Sequence[ModelAnswers], records: Sequence[RunRecord], *, is_paired: bool) -> Iterator[ScorePair]:
    known = [
        {name: score if isfinite(score) else None for name, score in record.scores.get("test", {}).items()}
        for record in records
    ]
    for name in dict.fromkeys((*known[0], *known[1])):
        both = is_paired and name in known_metrics() and not find_metric(name).units
        estimate = _difference(pair, name) if both else None
        yield ScorePair(name, known[0].get(name), known[1].get(name), estimate)


def _difference(pair: Sequence[ModelAnswers], name: str) -> Estimate | None:
    one, other = (evidence_of(model.answers, find_metric(name)) for model in pair)
    if one is None or other is None or one.contributions.shape != other.contributions.shape:
        return None
    return difference(other, one)


def _flips(pair: Sequence[ModelAnswers], records: Sequence[RunRecord]) -> FlippedExamples | None:
    known = known_metrics()
    names = [(record.task_card.main_metric, *record.scores.get("test", {})) for record in records]
    for name in dict.fromkeys((*names[0], *names[1])):
        if name not in known or known[name].per_example is None:
            continue
        sign = 1 if known[name].higher_is_better else -1
        one, other = (_values(model.answers, name) for model in pair)
        gains = sign * (other - one)
        won, lost = int((gains > SAME).sum()), int((gains < -SAME).sum())
        clusters = clusters_of(pair[0].answers.tables[0]["group"])
        independent = int(clusters.max()) + 1 == len(clusters)
        return FlippedExamples(name, won, lost, exact_mcnemar(won, lost) if independent else None)
    return None


def _values(answers: Answers, name: str) -> Floats:
    table = answers.tables[0]
    values = scored_table(table, answers.labels, find_metric(name), clusters_of(table["group"]))[3]
    assert values is not None, f"{name} has a value per example"
    return values


def _disagreements(pair: Sequence[ModelAnswers], count: int) -> tuple[tuple[Disagreement, ...], int]:
    (folder, record), (_, second) = (model.runs[0] for model in pair)
    task_type = TASK_TYPES.load(record.task_card.task_type)
    rows = list(zip(*(model.answers.tables[0].to_pylist() for model in pair), strict=True))
    otherwise = [(a, b) for a, b in rows if task_type.shown(a["prediction"]) != task_type.shown(b["prediction"])]
    gaps = [
        task_type.wrongness(a, record.task_card.labels) - task_type.wrongness(b, second.task_card.labels)
        for a, b in otherwise
    ]
    order = np.argsort([-abs(gap) for gap in gaps], kind="stable")[:count].tolist()
    texts = texts_of(folder, record, {str(otherwise[place][0]["id"]) for place in order}) if order else {}
    shown = (
        Disagreement(
            str(a["id"]),
            a["reference"],
            task_type.shown(a["prediction"]),
            task_type.shown(b["prediction"]),
            gaps[place],
            texts.get(str(a["id"])),
        )
        for place, (a, b) in ((place, otherwise[place]) for place in order)
    )
    return tuple(shown), len(otherwise)
