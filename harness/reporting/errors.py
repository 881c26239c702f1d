"""Tables of where models err, independent of the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.comparison.clean import in_order, order_said
from harness.comparison.statistics import Estimate
from harness.error_analysis.answered import AnsweredTask
from harness.error_analysis.breakdown import Breakdown, confusions
from harness.error_analysis.probabilities import BRIER, Reliability
from harness.metrics.metric import PERCENT, Unit
from harness.reporting.entries import GAP, Entry, Table, marked

MOST_CONFUSIONS = 12
MOST_COLUMNS = 8
NOTE = (
    "Intervals are 95 % each, not adjusted for their number: among twenty parts, one stands out by "
    "chance. They are about other test examples{seeds}. No claim about models is made from them."
)

OF_PROBABILITIES = (
    "Calibration error: how far the share of forecasts that came true is from their probability, in 15 bins of equal "
    "width (Guo et al. 2017). It is above 0 even for a perfect model, and the more so the fewer the examples; its "
    "interval allows for that, and is about other test examples only. Brier score: the mean squared distance of "
    "probabilities from the truth."
)


def note_of(task: AnsweredTask) -> str:
    """What the intervals of the task's parts cover."""
    alone = [one.model for one in task.models if len(one.answers.tables) == 1 and not one.answers.is_deterministic]
    said = " and other seeds" if not alone else f", and about other seeds too, except for those of {', '.join(alone)}"
    return NOTE.format(seeds=", and not about other seeds" if len(alone) == len(task.models) else said)


def by_part(task: AnsweredTask, breakdown: Breakdown) -> Table:
    """A row for each part and model: narrow, for a terminal."""
    alone = len(task.models) == 1
    rows = []
    for part in breakdown.parts:
        for place, (model, estimate) in enumerate(part.scores.items()):
            first = (Entry(part.name), Entry(f"{part.examples:,}")) if not place else (Entry(""), Entry(""))
            named = () if alone else (Entry(model),)
            rows.append((*first, *named, score(estimate, breakdown.unit)))
    heading = () if alone else ("Model",)
    caption = f"{task.task}{f' · {task.models[0].model}' if alone else ''}: {breakdown.measure} by {breakdown.by}"
    return Table(
        caption, (_sentence(breakdown.by), "Examples", *heading, f"{_sentence(breakdown.measure)} (95 %)"), tuple(rows)
    )


def by_measure(task: AnsweredTask, breakdowns: Sequence[Breakdown]) -> Table:
    """A row for each label of one model, and a column for each measure."""
    model, first = task.models[0].model, breakdowns[0]
    rows = [
        (
            Entry(parts[0].name),
            Entry(f"{parts[0].examples:,}"),
            *(score(part.scores[model], one.unit) for part, one in zip(parts, breakdowns, strict=True)),
        )
        for parts in zip(*(one.parts for one in breakdowns), strict=True)
    ]
    headings = (_sentence(first.by), "There", *(_sentence(one.measure) for one in breakdowns))
    return Table(f"{task.task} · {model}: by {first.by} (95 % interval)", headings, tuple(rows))


def by_model(task: AnsweredTask, breakdown: Breakdown) -> Table:
    """A row for each model, and a column for each part, at most `MOST_COLUMNS`: wide, for a page."""
    parts = breakdown.parts[:MOST_COLUMNS]
    more = len(breakdown.parts) - len(parts)
    rows = [
        (model_entry(task, model.model), *(score(part.scores[model.model], breakdown.unit) for part in parts))
        for model in task.models
    ]
    caption = f"{task.task}: {breakdown.measure} by {breakdown.by}" + (f"; {more} more are not shown" if more else "")
    return Table(caption, ("Model", *(f"{part.name} ({part.examples:,})" for part in parts)), tuple(rows))


def confused(task: AnsweredTask) -> Table | None:
    """The most frequent confusions of the first model; None if there are none, or the task type has no labels."""
    model = task.models[0]
    found = confusions(task, model.answers)
    wrong = [(pair, count) for pair, count in found.items() if pair[0] != pair[1]]
    if not wrong:
        return None
    totals: dict[str, float] = {}
    for (reference, _), count in found.items():
        totals[reference] = totals.get(reference, 0.0) + count
    rows = [
        (Entry(is_), Entry(said), Entry(_count(count)), Entry(f"{100 * count / totals[is_]:.1f}"))
        for (is_, said), count in wrong[:MOST_CONFUSIONS]
    ]
    mean = ", mean over seeds" if len(model.answers.tables) > 1 else ""
    more = f"; {len(wrong) - len(rows)} more are not shown" if len(wrong) > len(rows) else ""
    caption = f"{task.task} · {model.model}: the most frequent confusions{mean}{more}"
    return Table(caption, ("Is", "Predicted", "Count", "% of its label"), tuple(rows))


def confusion_matrix(task: AnsweredTask) -> Table | None:
    """The confusion matrix of the first model; None with many labels or fewer than two."""
    model = task.models[0]
    found = confusions(task, model.answers)
    occurring = dict.fromkeys(name for pair in found for name in pair)
    names = list(dict.fromkeys(name for name in (*task.card.labels, *occurring) if name in occurring))
    if not 1 < len(names) <= MOST_COLUMNS:
        return None
    rows = [
        (
            Entry(one),
            *(Entry(_count(found.get((one, other), 0.0)), is_strong=one == other) for other in names),
        )
        for one in names
    ]
    mean = ", mean over seeds" if len(model.answers.tables) > 1 else ""
    caption = f"{task.task} · {model.model}: what each label (a row) is predicted as{mean}"
    return Table(caption, ("Is", *names), tuple(rows))


def order_note(task: AnsweredTask, breakdown: Breakdown) -> str:
    """Say whether the order of the models changes without test examples that repeat a training text."""
    every, clean = breakdown.parts[0], breakdown.parts[1]
    lost = every.examples - clean.examples
    if not lost:
        return "No test example nearly repeats a training example: every score is one on clean examples."
    if not clean.examples:
        return f"All {lost:,} test examples nearly repeat a training example: no clean one is left to score."
    found = [_order(part.scores, higher_is_better=task.card.higher_is_better) for part in (every, clean)]
    return order_said(lost, every.examples, *found)


def _order(scores: Mapping[str, Estimate | None], *, higher_is_better: bool) -> list[str]:
    known = {model: one.value for model, one in scores.items() if one is not None}
    return in_order(known, higher_is_better=higher_is_better)


def believed(task: AnsweredTask, found: Mapping[str, Reliability]) -> Table:
    """The calibration of each model's probabilities."""
    rows = [
        (
            model_entry(task, model),
            Entry(PERCENT.with_interval(one.error)),
            Entry(BRIER.with_interval(one.brier)),
            Entry(_too_sure(one)),
        )
        for model, one in found.items()
    ]
    headings = ("Model", "Calibration error", "Brier score", "Probabilities are")
    return Table(f"{task.task}: how far probabilities can be trusted (lower is better)", headings, tuple(rows))


def _too_sure(found: Reliability) -> str:
    """Say whether probabilities are too high on average, if the error is more than noise."""
    total = sum(one.forecasts for one in found.bins)
    gap = sum(one.forecasts * (one.probability - one.share) for one in found.bins) / total
    if not found.error.low:
        return "not shown to be off"
    if abs(gap) <= found.error.value - found.error.low:  # Within what chance explains of the error.
        return "off, in both directions"
    return f"{'too high' if gap > 0 else 'too low'} by {abs(100 * gap):.1f} points on average"


def believed_content(found: Mapping[str, Reliability]) -> dict[str, Any]:
    """The same for programs."""
    return {
        model: {
            "calibration_error": score_content(one.error),
            "brier": score_content(one.brier),
            "curve": [asdict(bin_) for bin_ in one.bins],
        }
        for model, one in found.items()
    }


def model_entry(task: AnsweredTask, model: str) -> Entry:
    """The model's name, marked if it is a simple baseline."""
    simple = {one.model for one in task.models if one.is_simple_baseline}
    return Entry(marked(model, is_simple_baseline=model in simple))


def score(estimate: Estimate | None, unit: Unit) -> Entry:
    """A score with its interval; a gap if there is none."""
    return GAP if estimate is None else Entry(unit.with_interval(estimate))


def content(breakdown: Breakdown) -> dict[str, Any]:
    """A breakdown for programs: every number in its natural unit."""
    parts = [
        {
            "name": part.name,
            "examples": part.examples,
            "scores": {model: score_content(one) for model, one in part.scores.items()},
        }
        for part in breakdown.parts
    ]
    return {"by": breakdown.by, "measure": breakdown.measure, "parts": parts}


def score_content(estimate: Estimate | None) -> dict[str, float | None] | None:
    """A score for programs, with its interval; None if there is none."""
    return None if estimate is None else {"score": estimate.value, "low": estimate.low, "high": estimate.high}


def _count(count: float) -> str:
    return f"{count:,.0f}" if count == round(count) else f"{count:,.1f}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
