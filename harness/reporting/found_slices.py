"""The results of a slice search, as a table for people and as content for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.comparison.formatting import p_value
from harness.error_analysis.found_slices import FoundSlice
from harness.reporting.entries import Entry, Table

NOTE = (
    "Slices were found on one half of the test examples, and these numbers are from the other half. Loss: how wrong an "
    "example is on average, for labels the share that is wrong. p: one-sided, adjusted (Holm) for the slices of a "
    "model; bold: shown at 5 %. A slice is a place to look, not a cause."
)
NONE = Entry("no slice stands out", is_faint=True)


def found_table(task: str, model: str, found: Sequence[FoundSlice]) -> Table:
    """A row for each slice."""
    rows = [
        (
            Entry(" and ".join(one.conditions), is_strong=one.is_shown),
            Entry(f"{one.tested_on:,}"),
            Entry(f"{one.loss:.3f}"),
            Entry(f"{one.elsewhere:.3f}"),
            Entry(p_value(one.adjusted_p)),
        )
        for one in found
    ]
    headings = ("Slice", "Examples", "Loss", "Elsewhere", "p")
    return Table(f"{task} · {model}: where it errs most", headings, tuple(rows) or ((NONE, *[Entry("")] * 4),))


def content(found: Mapping[str, Sequence[FoundSlice]]) -> dict[str, Any]:
    """The same for programs."""
    return {model: [{**asdict(one), "is_shown": one.is_shown} for one in slices] for model, slices in found.items()}
