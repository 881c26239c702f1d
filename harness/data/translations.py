"""Rows of translations as the Hub's data sets have them: a field of texts by language."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data.task import Row


def german_english(rows: Sequence[Row]) -> list[Row]:
    """German with its English."""
    both = [dict(row["translation"]) for row in rows]  # type: ignore[call-overload]
    return [{"source": pair["de"], "target": pair["en"]} for pair in both]
