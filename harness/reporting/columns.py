"""The columns of a task's tables, which have one row per model. To add a column, add a `Column` to a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.comparison.conclusions import reading
from harness.comparison.conclusions_margin import in_words, margin_reading
from harness.comparison.effects import Difference, Flips, RunWins
from harness.comparison.formatting import NOTHING, p_value, share
from harness.comparison.recommendation import unseen_share
from harness.comparison.results import Cell, TaskComparison
from harness.comparison.statistics import Estimate
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import Unit
from harness.reporting.entries import GAP, Entry, model_name, score_entry, shortfall

Field = Callable[[Cell, Unit], Entry]


@dataclass(frozen=True, slots=True)
class Footnote:
    """What readers must know about some numbers.

    Attributes:
        text: The footnote.
        concerns: Whether it applies to a model's number; it is shown if it applies to any.
    """

    text: str
    concerns: Callable[[Cell], bool]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table with one row per model.

    Attributes:
        heading: The heading, the same for every task or by task.
        field: The entry of a model, in the unit of the task's metric.
        concerns: Whether it applies to a model; the table has it if it applies to any.
        footnotes: Footnotes to its numbers.
        csv: The name of the column in CSV; "" to leave it out.
        number: The number for CSV.
    """

    heading: str | Callable[[TaskComparison], str]
    field: Field
    concerns: Callable[[Cell], bool] = lambda _: True
    footnotes: tuple[Footnote, ...] = ()
    csv: str = ""
    number: Callable[[Cell], float | None] = lambda _: None


def metric_label(task: TaskComparison) -> str:
    """The main metric with an arrow in the better direction."""
    percent = " ×100" if unit_of(task.card.main_metric).factor == 100 else ""
    return (
        f"{metric_name(task.card.main_metric)}{percent}\N{NO-BREAK SPACE}{'↑' if task.card.higher_is_better else '↓'}"
    )


def unreachable_share(cell: Cell) -> float | None:
    """Of the test questions with an answer, the share whose answer the model can't produce, after all limits.

    None if they were not counted.
    """
    counts = [record.counts.unreachable_answers for record in cell.scored_records]
    shares = [count["test"] for count in counts if "test" in count]
    return float(np.mean(shares)) if shares else None


def _of_scored(text: Callable[[Cell, Unit, Estimate], str]) -> Field:
    """A field that is a gap if the model has no score."""

    def field(cell: Cell, unit: Unit) -> Entry:
        return GAP if cell.estimate is None else Entry(text(cell, unit, cell.estimate))

    return field


def _mean(cell: Cell, unit: Unit) -> Entry:
    return GAP if cell.estimate is None else Entry(unit.score(cell.estimate.value), is_strong=cell.is_top)


def _seeds(cell: Cell, unit: Unit) -> Entry:
    """The number of seeds with a score; if there is none, what happened to them."""
    if cell.estimate is None:
        return score_entry(cell, unit)
    missing = shortfall(cell)
    return Entry(f"{len(cell.scored)} ({missing})" if missing else str(len(cell.scored)))


def _scope(estimate: Estimate) -> str:
    """What an interval covers, unless it is both test examples and seeds."""
    if estimate.low is None:
        return ""
    if not estimate.includes_examples:
        return " (seeds only)"
    return "" if estimate.includes_seeds else " (examples only)"


def has_one_seed(cell: Cell) -> bool:
    """Return whether the interval of the score, or of that without collapsed runs, is of a single seed."""
    found = [one for one in (cell.estimate, cell.without_collapsed) if one is not None]
    return any(one.includes_examples and not one.includes_seeds for one in found)


def _without_collapsed(estimate: Estimate | None, unit: Unit) -> Entry:
    return GAP if estimate is None else Entry(f"{unit.with_interval(estimate)}{_scope(estimate)}")


def _difference(text: Callable[[Difference, Unit, Estimate], str]) -> Field:
    """A field of a model's difference from the baseline; a gap if it could not be estimated."""

    def field(cell: Cell, unit: Unit) -> Entry:
        found = cell.from_baseline
        return GAP if found is None or found.estimate is None else Entry(text(found, unit, found.estimate))

    return field


def _reading(cell: Cell, _unit: Unit) -> Entry:
    found = cell.from_baseline
    assert found is not None, "the table has the compared models alone"
    return Entry(reading(cell), is_strong=found.is_significant, is_faint=found.estimate is None)


def _margin_heading(task: TaskComparison) -> str:
    assert task.margin is not None, "only a task with a margin has the column"
    return f"Within {in_words(task.margin, task)}"


def _run_wins(text: Callable[[RunWins], str]) -> Field:
    """A field of the probability that a new run beats one of the baseline."""

    def field(cell: Cell, _unit: Unit) -> Entry:
        found = cell.from_baseline.run_wins if cell.from_baseline else None
        return GAP if found is None else Entry(text(found))

    return field


def _chance(value: float) -> str:
    """A share in percent that is never certain, because it is estimated from a few runs."""
    return share(min(max(value, 0.001), 0.999))


def _flips(count: Callable[[Flips], float]) -> Field:
    """A field of the test examples that either model wins, averaged over pairs of runs."""

    def field(cell: Cell, _unit: Unit) -> Entry:
        found = cell.from_baseline.flips if cell.from_baseline else None
        return GAP if found is None else Entry(f"{count(found):,.1f}".removesuffix(".0"))

    return field


def _has_flips(cell: Cell) -> bool:
    return cell.from_baseline is not None and cell.from_baseline.flips is not None


def faint_gap(text: str) -> Entry:
    """An entry that is faint if it is a gap."""
    return Entry(text, is_faint=text == NOTHING)


MODEL = Column("Model", lambda cell, _: Entry(model_name(cell)))

DETAILS: Sequence[Column] = (
    Column("Model", lambda cell, _: Entry(model_name(cell), is_strong=cell.is_top)),
    Column(metric_label, _mean),
    Column(
        "95 % interval",
        _of_scored(lambda _, unit, estimate: f"{unit.interval(estimate)}{_scope(estimate)}"),
        footnotes=(
            Footnote(
                "“Seeds only”: a recorded score, because reports run only our own metrics, or one on test "
                "examples that are all one group. The interval, if there are several seeds, does not "
                "cover other test examples, and no differences are tested.",
                lambda cell: cell.estimate is not None and not cell.estimate.includes_examples,
            ),
            Footnote(
                "“Examples only”: a single seed, so the interval does not cover other seeds.",
                has_one_seed,
            ),
        ),
    ),
    Column(
        "Seed s.d.",
        _of_scored(lambda cell, unit, _: NOTHING if cell.seed_deviation is None else unit.score(cell.seed_deviation)),
    ),
    Column("Seeds", _seeds),
    Column(
        "Without collapsed runs",
        lambda cell, unit: _without_collapsed(cell.without_collapsed, unit),
        concerns=lambda cell: cell.without_collapsed is not None,
        footnotes=(
            Footnote(
                "“Collapsed”: a run that gives one answer to all test examples, or scores no better than the best such "
                "answer (Mosbach et al. 2021). If the others are clearly better, their mean is shown "
                "separately, and the mean of all runs has no interval: it depends on how many collapse, "
                "about which few seeds say little.",
                lambda cell: bool(cell.collapsed),
            ),
        ),
        csv="mean_without_collapsed",
        number=lambda cell: None if cell.without_collapsed is None else cell.without_collapsed.value,
    ),
    Column("Examples", _of_scored(lambda cell, *_: f"{cell.examples:,}")),
    Column(
        "On clean examples",
        lambda cell, unit: GAP if cell.clean is None else Entry(unit.with_interval(cell.clean.estimate)),
        concerns=lambda cell: cell.clean is not None,
        footnotes=(
            Footnote(
                "“On clean examples”: the score on the test examples that nearly repeat no training "
                "example; rows that do were kept on request. No claims are made from it.",
                lambda cell: cell.clean is not None,
            ),
        ),
        csv="mean_on_clean_examples",
        number=lambda cell: None if cell.clean is None else cell.clean.estimate.value,
    ),
    Column(
        "Tokens never read",
        _of_scored(lambda cell, *_: share(unseen_share(cell))),
        concerns=lambda cell: bool(unseen_share(cell)),
        csv="unseen_token_share",
        number=unseen_share,
    ),
    Column(
        "Unreachable answers",
        lambda cell, _: faint_gap(share(unreachable_share(cell))),
        concerns=lambda cell: bool(unreachable_share(cell)),
        footnotes=(
            Footnote(
                "“Unreachable answers”: of the test questions with an answer, the share whose answer the model can't "
                "give as it is: it is not in the context, its tokens spell something else (part of a word is not a "
                "token, for example), or it is longer or lies further than the recipe lets the model read.",
                lambda cell: bool(unreachable_share(cell)),
            ),
        ),
        csv="unaligned_answer_share",
        number=unreachable_share,
    ),
)

DIFFERENCES: Sequence[Column] = (
    MODEL,
    Column("Difference", _difference(lambda _, unit, estimate: unit.signed(estimate.value))),
    Column("95 % interval, unadjusted", _difference(lambda _, unit, estimate: unit.interval(estimate, signed=True))),
    Column("Adjusted p", _difference(lambda found, *_: p_value(found.adjusted_p))),
    Column("Reading", _reading),
    Column(
        _margin_heading,
        lambda cell, _: Entry(margin_reading(cell.from_baseline)),
        concerns=lambda cell: cell.from_baseline is not None and cell.from_baseline.within is not None,
    ),
)

EFFECTS: Sequence[Column] = (
    MODEL,
    Column("A new run wins", _run_wins(lambda found: _chance(found.value))),
    Column("95 % interval, unadjusted", _run_wins(lambda found: f"{_chance(found.low)} to {_chance(found.high)}")),
    Column("Examples won", _flips(lambda found: found.won), concerns=_has_flips),
    Column("Examples lost", _flips(lambda found: found.lost), concerns=_has_flips),
)
