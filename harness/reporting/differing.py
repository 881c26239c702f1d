"""The differences between two runs, as tables for people and as content for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from harness.comparison.formatting import NOTHING, p_value
from harness.error_analysis.differing import FlippedExamples, RunDifference, ScorePair
from harness.metrics.lookup import metric_name, unit_of
from harness.printable import truncated
from harness.reporting.entries import Entry, Table

LONGEST = 26
NO_CLAIM = (
    "Two single runs don't show which model, or which setting, is better: another seed may reverse the "
    "order. The intervals and the p-value below are about these two trained models on other test "
    "examples. For a claim, take several seeds: `harness compare`."
)
DETERMINISTIC = (
    "Both are simple baselines, which no seed changes. For what is shown about a task's models: `harness compare`."
)


def note_of(found: RunDifference) -> str:
    """What may be concluded from the two runs."""
    return DETERMINISTIC if all(record.simple_baseline for _, record in found.runs) else NO_CLAIM


def tables_of(found: RunDifference) -> Iterator[Table]:
    """The differences, part by part, without parts that are the same."""
    for title, differing in (
        ("settings", found.settings),
        ("data", found.data),
        ("versions and machine", found.origin),
    ):
        if differing:
            rows = [(Entry(one.name), Entry(_short(one.one)), Entry(_short(one.other))) for one in differing]
            yield Table(f"Other {title}", ("", "Run 1", "Run 2"), tuple(rows))
    if found.scores:
        headings = ("Test scores", "Run 1", "Run 2", "Run 2 − run 1", "95 % interval")
        yield Table("Scores of these two runs", headings, tuple(map(_score_row, found.scores)))


def sentences(found: RunDifference) -> Iterator[str]:
    """Sentences about the test examples."""
    if found.why_unpaired:
        yield f"Test examples can't be compared: {found.why_unpaired}."
        return
    yield f"Their predictions differ on {found.disagree:,} test examples."
    if found.flips is not None:
        yield _flips_sentence(found.flips)


def content(found: RunDifference) -> dict[str, Any]:
    """All differences for programs."""
    return {
        "runs": [str(folder) for folder, _ in found.runs],
        "settings": list(map(asdict, found.settings)),
        "data": list(map(asdict, found.data)),
        "origin": list(map(asdict, found.origin)),
        "scores": [_score_content(one) for one in found.scores],
        "flips": None if found.flips is None else asdict(found.flips),
        "disagree": found.disagree,
        "disagreements": list(map(asdict, found.disagreements)),
        "why_unpaired": found.why_unpaired,
        "note": note_of(found),
    }


def _score_row(pair: ScorePair) -> tuple[Entry, ...]:
    unit, change = unit_of(pair.metric), NOTHING
    if pair.one is not None and pair.other is not None:
        change = unit.signed(pair.other - pair.one)
    interval = NOTHING if pair.difference is None else unit.interval(pair.difference, signed=True)
    scores = [NOTHING if score is None else unit.score(score) for score in (pair.one, pair.other)]
    return tuple(map(Entry, (metric_name(pair.metric), *scores, change, interval)))


def _score_content(pair: ScorePair) -> dict[str, Any]:
    ends = {} if pair.difference is None else {"low": pair.difference.low, "high": pair.difference.high}
    known = pair.one is not None and pair.other is not None
    gain = pair.other - pair.one if known else None  # type: ignore[operator]
    return {"metric": pair.metric, "one": pair.one, "other": pair.other, "difference": gain, **ends}


def _flips_sentence(flips: FlippedExamples) -> str:
    said = f"By {metric_name(flips.metric)}, run 2 is better on {flips.won:,} of them and run 1 on {flips.lost:,}"
    if flips.p_value is None:
        return (
            f"{said}. The examples are in groups, so McNemar's test does not hold; the interval above allows for that."
        )
    p = p_value(flips.p_value)
    return f"{said} (McNemar's exact test of these two runs: p {p if p.startswith('<') else f'= {p}'})."


def _short(value: object) -> str:
    """A value on one line; None as a gap.

    >>> _short(None), _short(["a", "b"]), _short("x" * 40)
    ('–', 'a, b', 'xxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    if value in (None, "", [], ()):
        return NOTHING
    return truncated(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value), LONGEST)
