"""On few examples a Transformer overfits, which regularisation mends: the gap between training and test scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.claims.claim import Chart, Claim, Finding, Judged, Numbers, OfRuns, Table, finding
from harness.claims.compared import tokens_read
from harness.claims.intervals import Interval, interval, slope
from harness.claims.measuring import suite_folders
from harness.comparison.formatting import share
from harness.errors import UserError
from harness.metrics.lookup import metric_name, unit_of

TESTS = 3


class OverfittingSettings(OfRuns):
    """How it is measured.

    Attributes:
        suites: One that trains on several numbers of examples (`train_examples`).
        plain: Its model without regularisation.
        regularised: The same with it.
    """

    suites: tuple[str, ...] = ("overfitting",)
    plain: str = "plain"
    regularised: str = "regularised"


class Trained(BaseModel):
    """One run.

    Attributes:
        model: Its name.
        seed: Its seed.
        examples: It was trained on.
        train: The score of its weights on these.
        validation: That on validation examples.
        test: That on test examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    seed: int
    examples: int
    train: float
    validation: float
    test: float


class OverfittingNumbers(Numbers):
    """What was measured.

    Attributes:
        task: The suite's.
        metric: That scores are of.
        plain: The model without regularisation, with the settings that are meant.
        regularised: The model with it.
        differing: Both models' settings that differ.
        tokens_read: The share of the test texts' tokens that is read; the rest is cut off.
        runs: All of them.
    """

    task: str
    metric: str
    plain: str
    regularised: str
    differing: str
    tokens_read: float = 1.0
    runs: tuple[Trained, ...]


def measure(settings: OverfittingSettings, folder: Path) -> OverfittingNumbers:
    """Score each run's weights on its own training examples, which its record does not."""
    from harness.records import read_records  # noqa: PLC0415 -- only measuring needs it
    from harness.runs.evaluation import scores_of_split  # noqa: PLC0415 -- torch

    wanted = (settings.plain, settings.regularised)
    found, recipes, task, metric, records = [], {}, "", "", []
    for place in suite_folders(settings, folder):
        for run, record in read_records(place)[0]:
            if record.model not in wanted or record.status != "complete" or record.varied is None:
                continue
            records.append(record)
            task, metric = record.base_task, record.task_card.main_metric
            recipes[record.model] = record.config["training"]
            found.append(
                Trained(
                    model=record.model,
                    seed=record.seed,
                    examples=record.counts.examples["train"],
                    train=scores_of_split(run, "train")[metric],
                    validation=record.scores["validation"][metric],
                    test=record.scores["test"][metric],
                )
            )
    if {one.model for one in found} != {*wanted}:
        raise UserError(
            f"{folder}: no runs of {' and '.join(wanted)} on several numbers of training examples. Name such a suite."
        )
    return OverfittingNumbers(
        task=task,
        metric=metric,
        plain=settings.plain,
        regularised=settings.regularised,
        differing=_differing(*(recipes[model] for model in wanted)),
        tokens_read=tokens_read(records),
        runs=tuple(sorted(found, key=lambda one: (one.examples, one.model, one.seed))),
    )


def _differing(plain: dict[str, object], regularised: dict[str, object]) -> str:
    keys = sorted(key for key in regularised if plain.get(key) != regularised[key])
    return ", ".join(f"{key} {regularised[key]} instead of {plain.get(key)}" for key in keys) or "nothing"


def judge(numbers: OverfittingNumbers) -> Judged:
    """Whether the gap shrinks with more examples, and by regularisation, and what that does to the test score."""
    name = metric_name(numbers.metric)
    seeds = len({one.seed for one in numbers.runs})
    return Judged(
        findings=tuple(_findings(numbers)),
        how=(
            f"{numbers.task}: each number of training examples, {seeds} seeds; the weights of the last step, scored on "
            f"the examples that they were trained on and on the same test examples. {numbers.regularised} has "
            f"{numbers.differing}. The gap is the {name} on training less that on test. By size it is judged by the "
            "slope over doublings of each model and seed, regularisation by pairs of runs with one seed and size. "
            f"Of the test texts’ tokens {share(numbers.tokens_read)} are read, from the beginning."
        ),
        limits=(
            "The gap is to the test split, which is larger than validation and chose nothing; the table has all three.",
            "One task, one small model and one strength of regularisation, not the best one.",
            "A smaller gap is no gain by itself: the test score says whether anything was won.",
        ),
        charts=(_chart(numbers),),
        tables=(_table(numbers),),
    )


def _gap(run: Trained) -> float:
    return run.train - run.test


def _findings(numbers: OverfittingNumbers) -> Iterator[Finding]:
    unit = unit_of(numbers.metric)
    slopes = [-found for found in _slopes(numbers.runs)]
    by_size = interval(slopes, tests=TESTS)
    points = f"by {by_size.shown(1, factor=unit.factor)} points with each doubling of the training examples"
    yield finding(
        by_size,
        0.0,
        above=f"the gap between training and test shrinks {points}",
        below=f"the gap between training and test grows, as it should not: it shrinks {points}",
        around=f"whether the gap between training and test shrinks with more examples is not shown ({points})",
    )
    pairs = list(_pairs(numbers))
    less = interval([_gap(plain) - _gap(other) for plain, other in pairs], tests=TESTS)
    points = f"({less.shown(1, factor=unit.factor)} points)"
    yield finding(
        less,
        0.0,
        above=f"regularisation makes it smaller {points}",
        below=f"regularisation makes it no smaller, but larger {points}",
        around=f"whether regularisation makes it smaller is not shown {points}",
    )
    sign = 1 if _higher_is_better(numbers.metric) else -1
    gained = interval([sign * (other.test - plain.test) for plain, other in pairs], tests=TESTS)
    points = f"({gained.shown(1, factor=unit.factor)} points)"
    yield finding(
        gained,
        0.0,
        above=f"regularisation makes the test score better {points}",
        below=f"regularisation makes the test score worse {points}",
        around=f"whether regularisation makes the test score better is not shown {points}",
    )


def _higher_is_better(metric: str) -> bool:
    from harness.metrics.lookup import find_metric  # noqa: PLC0415 -- only judging needs it

    return find_metric(metric).higher_is_better


def _slopes(runs: Sequence[Trained]) -> list[float]:
    """The gap's slope over doublings of the examples, of each model and seed with several numbers of them."""
    found = []
    for which in sorted({(one.model, one.seed) for one in runs}):
        own = [one for one in runs if (one.model, one.seed) == which]
        if len({one.examples for one in own}) > 1:
            found.append(slope([log2(one.examples) for one in own], [_gap(one) for one in own]))
    return found


def _pairs(numbers: OverfittingNumbers) -> Iterator[tuple[Trained, Trained]]:
    """The plain and the regularised run of each seed and number of examples."""
    known = {(one.model, one.seed, one.examples): one for one in numbers.runs}
    for (model, seed, examples), plain in known.items():
        other = known.get((numbers.regularised, seed, examples))
        if model == numbers.plain and other is not None:
            yield plain, other


def _of_size(numbers: OverfittingNumbers, model: str, examples: int) -> list[Trained]:
    return [one for one in numbers.runs if (one.model, one.examples) == (model, examples)]


def _sizes(numbers: OverfittingNumbers) -> list[int]:
    return sorted({one.examples for one in numbers.runs})


def _scaled(values: Sequence[float], factor: float) -> Interval:
    return interval([factor * value for value in values])


def _chart(numbers: OverfittingNumbers) -> Chart:
    factor = unit_of(numbers.metric).factor
    lines = {
        model: [
            (float(size), _scaled([_gap(one) for one in _of_size(numbers, model, size)], factor))
            for size in _sizes(numbers)
            if _of_size(numbers, model, size)
        ]
        for model in (numbers.plain, numbers.regularised)
    }
    title = f"{metric_name(numbers.metric)} on training less that on test".capitalize()
    return Chart(title, "training examples", "gap, points", lines, reference=0.0)


def _table(numbers: OverfittingNumbers) -> Table:
    unit, rows = unit_of(numbers.metric), []
    for size in _sizes(numbers):
        for model in (numbers.plain, numbers.regularised):
            runs = _of_size(numbers, model, size)
            if runs:
                means = (
                    interval([getattr(one, part) for one in runs]).value for part in ("train", "validation", "test")
                )
                gap = _scaled([_gap(one) for one in runs], unit.factor).shown(unit.decimals)
                rows.append((f"{size:,} examples, {model}", *(unit.score(mean) for mean in means), gap))
    caption = f"{metric_name(numbers.metric)} x 100 over the seeds, and the gap with its 95 % interval over seeds."
    return Table(caption, ("", "training", "validation", "test", "gap"), tuple(rows))


claim = Claim(
    title="Overfitting",
    says="On few examples a Transformer fits its training data better than others; more data, dropout and weight decay "
    "make that gap smaller.",
    settings=OverfittingSettings,
    numbers=OverfittingNumbers,
    measure=measure,
    judge=judge,
)
