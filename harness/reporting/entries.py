"""Tables, and their entries: a model's score, what is missing from it, or a gap."""

from __future__ import annotations

from dataclasses import dataclass

from harness.comparison.doubts import shortfalls
from harness.comparison.formatting import NOTHING
from harness.comparison.results import Cell
from harness.metrics.metric import Unit


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a table.

    Attributes:
        is_strong: Whether it is set in bold, because it may be the best.
        is_faint: Whether it is a gap or a failure.
    """

    text: str
    is_strong: bool = False
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Column headings, and rows whose first entry is the name of the row."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


GAP = Entry(NOTHING, is_faint=True)
SIMPLE_BASELINE = " (simple baseline)"
"""The suffix of simple baselines' names."""


def marked(model: str, *, is_simple_baseline: bool) -> str:
    """The model's name, marked if it is a simple baseline."""
    return f"{model}{SIMPLE_BASELINE}" if is_simple_baseline else model


def model_name(cell: Cell) -> str:
    """The cell's model, marked if it is a simple baseline."""
    return marked(cell.model, is_simple_baseline=cell.is_simple_baseline)


def score_entry(cell: Cell, unit: Unit) -> Entry:
    """The cell's score with its interval, and what is missing from it."""
    missing = doubts_of_mean(cell, unit)
    if cell.estimate is None:
        scored = [run.score for run in cell.scored if run.score is not None]
        if scored:
            return Entry(f"{NOTHING} (seeds tested on different examples)", is_faint=True)
        otherwise = bool(cell.runs) and all(run.is_not_applicable for run in cell.runs)
        return Entry(missing or (NOTHING if otherwise else "not run"), is_faint=True)
    text = unit.with_interval(cell.estimate)
    return Entry(f"{text} ({missing})" if missing else text, is_strong=cell.is_top)


def doubts_of_mean(cell: Cell, unit: Unit) -> str:
    """What the cell lacks, and its score without collapsed runs if these are clearly worse than the others."""
    others = cell.without_collapsed
    return shortfall(cell) + ("" if others is None else f"; the others score {unit.score(others.value)}")


def shortfall(cell: Cell) -> str:
    """What the cell lacks, such as "1 of 3 diverged"; empty if nothing."""
    return ", ".join(shortfalls(cell.runs, cell.missing_seeds))
