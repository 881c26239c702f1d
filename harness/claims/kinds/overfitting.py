"""On few examples a Transformer overfits, which regularisation mends: the gap between training and test scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import log2
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.claims.by_size import runs_by_size
from harness.claims.claim import Chart, Claim, Finding, Judged, Numbers, OfRuns, Suites, Table, finding
from harness.claims.compared import tokens_read
from harness.claims.intervals import Interval, interval, slope
from harness.comparison.formatting import share
from harness.metrics.lookup import find_metric, metric_name, unit_of

TESTS = 4


class OverfittingSettings(OfRuns):
    """Settings of the measurement.

    Attributes:
        suites: A suite that trains on several numbers of examples (`train_examples`).
        plain: The suite's model without regularisation.
        regularised: The suite's model with regularisation.
    """

    suites: Suites = ("overfitting",)
    plain: str = "plain"
    regularised: str = "regularised"


class Trained(BaseModel):
    """One run.

    Attributes:
        model: The model's name.
        seed: The run's seed.
        examples: Number of training examples.
        train: Score of the run's weights on its training examples.
        validation: Score on validation examples.
        test: Score on test examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    seed: int
    examples: int
    train: float
    validation: float
    test: float


class OverfittingNumbers(Numbers):
    """The measured numbers.

    Attributes:
        task: The suite's task.
        metric: The metric of the scores.
        plain: The model without regularisation.
        regularised: The model with regularisation.
        differing: Training settings in which the models differ, in words.
        tokens_read: Share of the test texts' tokens that is read; the rest is cut off.
        runs: All runs.
    """

    task: str
    metric: str
    plain: str
    regularised: str
    differing: str
    tokens_read: float = 1.0
    runs: tuple[Trained, ...] = Field(min_length=1)


def measure(settings: OverfittingSettings, folder: Path) -> OverfittingNumbers:
    """Score each run's weights on its own training examples, a score that its record does not have."""
    from harness.runs.evaluation import evaluation_of_split  # noqa: PLC0415 -- torch

    runs = runs_by_size((settings.plain, settings.regularised), settings, folder)
    first = runs[0][1]
    metric = first.task_card.main_metric
    found = [
        Trained(
            model=record.model,
            seed=record.seed,
            examples=record.counts.examples["train"],
            train=evaluation_of_split(run, "train").scores[metric],
            validation=record.scores["validation"][metric],
            test=record.scores["test"][metric],
        )
        for run, record in runs
    ]
    recipes = {record.model: record.config["training"] for _, record in runs}
    return OverfittingNumbers(
        task=first.base_task,
        metric=metric,
        plain=settings.plain,
        regularised=settings.regularised,
        differing=_differing(recipes[settings.plain], recipes[settings.regularised]),
        tokens_read=tokens_read(record for _, record in runs),
        runs=tuple(sorted(found, key=lambda one: (one.examples, one.model, one.seed))),
    )


def _differing(plain: dict[str, object], regularised: dict[str, object]) -> str:
    keys = sorted(key for key in regularised if plain.get(key) != regularised[key])
    return ", ".join(f"{key} {regularised[key]} instead of {plain.get(key)}" for key in keys) or "nothing"


def judge(numbers: OverfittingNumbers) -> Judged:
    """Judge if there is a gap, if more examples or regularisation reduce it, and if the test score improves."""
    seeds = len({one.seed for one in numbers.runs})
    more, less = ("training", "test") if _sign(numbers.metric) > 0 else ("test", "training")
    return Judged(
        findings=tuple(_findings(numbers)),
        how=(
            f"{numbers.task}: {seeds} seeds of each number of training examples, scored on the examples that they "
            f"were trained on and on test examples. {numbers.regularised} has {numbers.differing}. The gap is by how "
            f"much the {metric_name(numbers.metric)} is better on training: that on {more} less that on {less}. Each "
            "finding rests on one number of each seed: the first on the gap at the smallest size without "
            "regularisation, the second on the mean of both models’ slopes over doublings of the examples, the others "
            "on the mean over the sizes of what regularisation changes. Of the test texts’ tokens "
            f"{share(numbers.tokens_read)} are read, from the beginning."
        ),
        limits=(
            "Seeds share the training and the test examples: the intervals say nothing about other examples.",
            "The gap is to the test split, which was not used to choose anything; the table has validation, too.",
            "One task, one model and one strength of regularisation, not the best one.",
            "A smaller gap is not a gain by itself: the test score says whether anything was gained.",
        ),
        charts=(_chart(numbers),),
        tables=(_table(numbers),),
    )


def _sign(metric: str) -> int:
    """Return 1 if higher is better, else -1."""
    return 1 if find_metric(metric).higher_is_better else -1


def _gap(run: Trained, sign: int) -> float:
    """Return how much better the training score is than the test score."""
    return sign * (run.train - run.test)


def _findings(numbers: OverfittingNumbers) -> Iterator[Finding]:
    sign, smallest = _sign(numbers.metric), min(_sizes(numbers))
    first = _of_size(numbers, numbers.plain, smallest)
    yield _said(
        numbers,
        [(one.seed, _gap(one, sign)) for one in first],
        above=f"on {smallest:,} examples {numbers.plain} is better on training than on test",
        below=f"on {smallest:,} examples {numbers.plain} is worse on training than on test",
    )
    yield _said(
        numbers,
        [(seed, -found) for seed, found in _slopes(numbers.runs, sign)],
        above="with each doubling of the training examples the gap between training and test shrinks",
        below="with each doubling of the training examples the gap between training and test grows",
    )
    pairs = list(_pairs(numbers))
    yield _said(
        numbers,
        [(one.seed, _gap(one, sign) - _gap(other, sign)) for one, other in pairs],
        above="regularisation makes the gap between training and test smaller",
        below="regularisation makes the gap between training and test larger",
    )
    yield _said(
        numbers,
        [(one.seed, sign * (other.test - one.test)) for one, other in pairs],
        above="regularisation makes the test score better",
        below="regularisation makes the test score worse",
    )


def _said(numbers: OverfittingNumbers, found: Iterable[tuple[int, float]], *, above: str, below: str) -> Finding:
    """Judge by the interval over one mean per seed, since the sizes of a seed share examples and their order."""
    by_seed: dict[int, list[float]] = {}
    for seed, value in found:
        by_seed.setdefault(seed, []).append(value)
    over = interval([sum(values) / len(values) for values in by_seed.values()], tests=TESTS)
    turned = Interval(-over.value, -over.high, -over.low)
    return finding(
        over,
        0.0,
        above=f"{above} by {_shown(numbers, over)}",
        below=f"{below} by {_shown(numbers, turned)}",
        around=f"whether {above} (by {_shown(numbers, over)})",
    )


def _shown(numbers: OverfittingNumbers, found: Interval) -> str:
    """Format an interval, such as "6.0 (4.1 to 8.0) points"."""
    unit = unit_of(numbers.metric)
    return f"{found.shown(unit.decimals, factor=unit.factor)}{' points' if unit.factor == 100 else ''}"


def _slopes(runs: Sequence[Trained], sign: int) -> list[tuple[int, float]]:
    """Return seed and slope of the gap per doubling of the examples, for each model and seed with several sizes."""
    found = []
    for model, seed in sorted({(one.model, one.seed) for one in runs}):
        own = [one for one in runs if (one.model, one.seed) == (model, seed)]
        if len({one.examples for one in own}) > 1:
            found.append((seed, slope([log2(one.examples) for one in own], [_gap(one, sign) for one in own])))
    return found


def _pairs(numbers: OverfittingNumbers) -> Iterator[tuple[Trained, Trained]]:
    """Yield the plain and the regularised run of each seed and number of examples."""
    known = {(one.model, one.seed, one.examples): one for one in numbers.runs}
    for (model, seed, examples), plain in known.items():
        other = known.get((numbers.regularised, seed, examples))
        if model == numbers.plain and other is not None:
            yield plain, other


def _of_size(numbers: OverfittingNumbers, model: str, examples: int) -> list[Trained]:
    return [one for one in numbers.runs if (one.model, one.examples) == (model, examples)]


def _sizes(numbers: OverfittingNumbers) -> list[int]:
    return sorted({one.examples for one in numbers.runs})


def _gap_of(numbers: OverfittingNumbers, runs: Sequence[Trained]) -> Interval:
    """Return the mean gap of one size with its interval over seeds, in the unit of reports."""
    factor, sign = unit_of(numbers.metric).factor, _sign(numbers.metric)
    return interval([factor * _gap(one, sign) for one in runs])


def _chart(numbers: OverfittingNumbers) -> Chart:
    sizes, unit = _sizes(numbers), unit_of(numbers.metric)
    by_model = {
        model: {size: runs for size in sizes if (runs := _of_size(numbers, model, size))}
        for model in (numbers.plain, numbers.regularised)
    }
    lines = {
        model: [(float(size), _gap_of(numbers, runs)) for size, runs in by_size.items()]
        for model, by_size in by_model.items()
    }
    title = f"By how much the {metric_name(numbers.metric)} is better on training than on test"
    up = "gap, points" if unit.factor == 100 else "gap"
    return Chart(title, "training examples", up, lines, reference=0.0)


def _table(numbers: OverfittingNumbers) -> Table:
    unit, rows = unit_of(numbers.metric), []
    for size in _sizes(numbers):
        for model in (numbers.plain, numbers.regularised):
            runs = _of_size(numbers, model, size)
            if runs:
                means = (
                    interval([getattr(one, part) for one in runs]).value for part in ("train", "validation", "test")
                )
                gap = _gap_of(numbers, runs).shown(unit.decimals)
                rows.append((f"{size:,} examples, {model}", *(unit.score(mean) for mean in means), gap))
    name, times = metric_name(numbers.metric), " × 100" if unit.factor == 100 else ""
    caption = f"Means over the seeds of the {name}{times}, and the gap with its 95 % interval over seeds."
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
