"""Rows of translations as in data sets of the Hub: a field with a text for each language."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data.task import Row


def german_english(rows: Sequence[Row]) -> list[Row]:
    """Return pairs of German source and English target."""
    both = [dict(row["translation"]) for row in rows]  # type: ignore[call-overload]
    return [{"source": pair["de"], "target": pair["en"]} for pair in both]
