"""The tables of a report, free of any format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.comparison.conclusions import reading
from harness.comparison.formatting import NOTHING, amount, duration, memory, p_value, share
from harness.comparison.results import Cell, Comparison, TaskComparison
from harness.comparison.statistics import Estimate
from harness.metrics.lookup import metric_name, unit_of
from harness.metrics.metric import Unit
from harness.record import RunRecord


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a table.

    Attributes:
        is_strong: Set in bold: of the tied top group.
        is_faint: A gap, or a failure.
    """

    text: str
    is_strong: bool = False
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A heading for every column, and rows whose first entry names the row."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


def scores(comparison: Comparison) -> Table:
    """Models x tasks: each cell's mean score and interval, or what became of it."""
    rows = []
    for index, model in enumerate(comparison.models):
        cells = [(task.cells[index], unit_of(task.card.main_metric)) for task in comparison.tasks]
        floor = any(cell.is_floor for cell, _ in cells)
        rows.append((Entry(f"{model} (floor)" if floor else model), *(score_entry(cell, unit) for cell, unit in cells)))
    headings = tuple(f"{task_name(comparison, task)} ({metric_label(task)})" for task in comparison.tasks)
    return Table("Test scores: mean over seeds ± 95 % interval", ("Model", *headings), tuple(rows))


def score_entry(cell: Cell, unit: Unit) -> Entry:
    """The cell's score with its interval and what is missing from it."""
    missing = shortfall(cell)
    if cell.estimate is None:
        scored = [run.score for run in cell.scored if run.score is not None]
        if scored:
            return Entry(f"{NOTHING} (seeds tested on different examples)", is_faint=True)
        otherwise = bool(cell.runs) and all(run.is_judged_otherwise for run in cell.runs)
        return Entry(missing or (NOTHING if otherwise else "not run"), is_faint=True)
    text = unit.with_interval(cell.estimate)
    return Entry(f"{text} ({missing})" if missing else text, is_strong=cell.is_top)


def shortfall(cell: Cell) -> str:
    """What the cell lacks, such as "1 of 3 diverged"; empty where nothing."""
    if not cell.runs:
        return ""
    planned = len(cell.runs) + len(cell.missing_seeds)
    counts = Counter(
        run.record.status if run.record.status != "complete" else "without a score"
        for run in cell.troubled
        if not run.is_judged_otherwise
    )
    parts = [f"{count} of {planned} {what}" for what, count in sorted(counts.items())]
    if cell.missing_seeds:
        parts.append(f"{len(cell.missing_seeds)} of {planned} not run")
    return ", ".join(parts)


def details(task: TaskComparison) -> Table:
    """The task's models, the best first, then those without a score."""
    unit = unit_of(task.card.main_metric)
    headings: tuple[str, ...] = (
        "Model",
        metric_label(task),
        "95 % interval",
        "Seed s.d.",
        "Seeds",
        "Examples",
        "Tokens never read",
    )
    cells = _in_order(task)
    rows: list[tuple[Entry, ...]] = [_detail_row(cell, unit) for cell in cells]
    if any(cell.unaligned_share is not None for cell in cells):
        headings = (*headings, "Answers not aligned")
        rows = [(*row, _faint_gap(share(cell.unaligned_share))) for row, cell in zip(rows, cells, strict=True)]
    return Table(f"{task.task}: scores", headings, tuple(rows))


def _detail_row(cell: Cell, unit: Unit) -> tuple[Entry, ...]:
    if cell.estimate is None:
        gap = Entry(NOTHING, is_faint=True)
        return (Entry(_name(cell)), gap, gap, gap, score_entry(cell, unit), gap, gap)
    missing = shortfall(cell)
    return (
        Entry(_name(cell), is_strong=cell.is_top),
        Entry(unit.score(cell.estimate.value), is_strong=cell.is_top),
        Entry(f"{unit.interval(cell.estimate)}{_scope(cell.estimate)}"),
        Entry(NOTHING if cell.seed_deviation is None else unit.score(cell.seed_deviation)),
        Entry(f"{len(cell.scored)} ({missing})" if missing else str(len(cell.scored))),
        Entry(f"{cell.examples:,}"),
        Entry(share(cell.unseen_share)),
    )


def _scope(estimate: Estimate) -> str:
    """What an interval speaks of, where it is not both test examples and seeds."""
    if estimate.half_width is None:
        return ""
    if not estimate.includes_examples:
        return " (seeds only)"
    return "" if estimate.includes_seeds else " (examples only)"


def differences(task: TaskComparison) -> Table | None:
    """Every model against the baseline; None where there is none to compare with."""
    unit = unit_of(task.card.main_metric)
    compared = [cell for cell in _in_order(task) if cell.from_baseline is not None]
    if not compared or compared[0].from_baseline is None:
        return None
    against = compared[0].from_baseline.against
    headings = ("Model", "Difference", "95 % interval", "Adjusted p", "Reading")
    return Table(
        f"{task.task}: difference from {against}", headings, tuple(_difference_row(cell, unit) for cell in compared)
    )


def _difference_row(cell: Cell, unit: Unit) -> tuple[Entry, ...]:
    found = cell.from_baseline
    assert found is not None
    if found.estimate is None:
        return (Entry(_name(cell)), *[Entry(NOTHING, is_faint=True)] * 3, Entry(reading(cell), is_faint=True))
    return (
        Entry(_name(cell)),
        Entry(unit.signed(found.estimate.value)),
        Entry(unit.interval(found.estimate, signed=True)),
        Entry(p_value(found.adjusted_p)),
        Entry(reading(cell), is_strong=found.is_significant),
    )


def costs(task: TaskComparison) -> Table:
    """What a run took, on average over the complete seeds."""
    headings = ("Model", "Parameters", "Training time", "Training tokens/s", "Peak memory", "Training FLOPs")
    rows = tuple(_cost_row(cell) for cell in task.cells if cell.cost is not None)
    return Table(f"{task.task}: cost of one run", headings, rows)


def _cost_row(cell: Cell) -> tuple[Entry, ...]:
    cost = cell.cost
    assert cost is not None
    texts = (
        amount(cost.parameters),
        duration(cost.train_seconds),
        amount(cost.train_tokens_per_second),
        memory(cost.peak_memory_bytes),
        amount(cost.training_flops),
    )
    return (Entry(_name(cell)), *(_faint_gap(text) for text in texts))


def _faint_gap(text: str) -> Entry:
    return Entry(text, is_faint=text == NOTHING)


def of_task(task: TaskComparison) -> tuple[Table, ...]:
    """All tables of a task that have rows."""
    found = (details(task), differences(task), costs(task))
    return tuple(table for table in found if table is not None and table.rows)


def left_out(task: TaskComparison) -> str:
    """How many of the task's rows were left out, by reason, as most runs say."""
    return _most_said(task, lambda record: [f"{count:,} {reason}" for reason, count in record.counts.dropped.items()])


def sizes(task: TaskComparison) -> str:
    """How many examples each split has, as most runs say."""
    return _most_said(task, lambda record: [f"{count:,} {split}" for split, count in record.counts.examples.items()])


def _most_said(task: TaskComparison, words: Callable[[RunRecord], list[str]]) -> str:
    said = Counter(", ".join(words(run.record)) for cell in task.cells for run in cell.runs)
    said.pop("", None)
    return said.most_common(1)[0][0] if said else ""


def title(comparison: Comparison, task: TaskComparison) -> str:
    """The task's name, with its suite where there are several, and its metric where it has several."""
    name = task_name(comparison, task)
    metrics = {one.card.main_metric for one in comparison.tasks if (one.suite, one.task) == (task.suite, task.task)}
    return f"{name}, {metric_name(task.card.main_metric)}" if len(metrics) > 1 else name


def task_name(comparison: Comparison, task: TaskComparison) -> str:
    """The task's name, with its suite where there are several."""
    several = len({one.suite for one in comparison.tasks}) > 1
    return f"{task.task} [{task.suite}]" if several else task.task


def metric_label(task: TaskComparison) -> str:
    """The main metric with the direction that is better."""
    percent = " ×100" if unit_of(task.card.main_metric).factor == 100 else ""
    return (
        f"{metric_name(task.card.main_metric)}{percent}\N{NO-BREAK SPACE}{'↑' if task.card.higher_is_better else '↓'}"
    )


def footnotes(comparison: Comparison) -> tuple[str, ...]:
    """What the numbers include."""
    notes = [
        "Bold: the tied top group, the models that no other is shown to beat (all pairs of a task, paired over test "
        "examples, Holm-adjusted). A missing difference is not a proof of equality: the interval shows what could have "
        "been seen.",
        "Intervals are 95 % and include both which test examples were drawn and which seed trained the model. Their "
        "two parts are estimated together and added as squares.",
    ]
    estimates = [cell.estimate for task in comparison.tasks for cell in task.ranked if cell.estimate is not None]
    if any(not estimate.includes_examples for estimate in estimates):
        notes.append(
            "“Seeds only”: a score as recorded, for reports run no metric but our own. The interval, where there are "
            "several seeds, does not speak of other test examples, and no differences are tested."
        )
    if any(estimate.includes_examples and not estimate.includes_seeds for estimate in estimates):
        notes.append("“Examples only”: a single seed, so the interval does not speak of other seeds.")
    if any(cell.unaligned_share for task in comparison.tasks for cell in task.cells):
        notes.append(
            "“Answers not aligned”: of the test questions with an answer, the share whose answer the model can't give "
            "as it is, because its tokens spell something else there: part of a word is not a token, for example."
        )
    if any(cell.is_floor for task in comparison.tasks for cell in task.cells):
        notes.append("Floors read no pretrained weights; a model that does not beat them has not earned its cost.")
    return tuple(notes)


def _in_order(task: TaskComparison) -> Sequence[Cell]:
    return [*task.ranked, *(cell for cell in task.cells if cell.estimate is None)]


def _name(cell: Cell) -> str:
    return f"{cell.model} (floor)" if cell.is_floor else cell.model
