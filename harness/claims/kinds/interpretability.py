"""Which words an answer rests on, by attention and by gradients: deletion and insertion against random orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from harness.claims.claim import Claim, Finding, Judged, Numbers, OfRuns, Suites, Table, finding
from harness.claims.intervals import interval

WAYS = {"integrated gradients": (0, 1), "attention": (2, 3)}
"""Columns of each way's deletion and insertion gains in `gains`."""
TESTS = 3
"""Number of tests: both curves of attention, and the comparison with gradients by deletion."""


class InterpretabilitySettings(OfRuns):
    """Settings of the measurement.

    Attributes:
        suites: The suite that the run comes from.
        run: The run to explain: its folder, relative to the study's.
        examples: Number of test examples, drawn evenly.
        steps: Number of steps of integrated gradients.
    """

    suites: Suites = ("flexibility",)
    run: str = "flexibility/rotten_tomatoes/minilm/seed-0"
    examples: int = Field(30, ge=2)
    steps: int = Field(20, ge=2)


class InterpretabilityNumbers(Numbers):
    """The measured numbers.

    Attributes:
        run: The run that was explained.
        examples: Number of test examples.
        steps: Number of steps of integrated gradients.
        gains: For each group of test examples, the areas gained over random orders by deletion and insertion, first by
            gradients and then by attention [groups, 4].
    """

    run: str
    examples: int
    steps: int
    gains: tuple[tuple[float, float, float, float], ...] = Field(min_length=1)


def measure(settings: InterpretabilitySettings, folder: Path) -> InterpretabilityNumbers:
    """Explain test examples of the run by gradients and by attention."""
    from harness.runs.explain import run_explainer  # noqa: PLC0415 -- torch

    found = run_explainer(folder / settings.run).gains(settings.examples, steps=settings.steps, attention=True)
    return InterpretabilityNumbers(
        run=settings.run,
        examples=found.examples,
        steps=settings.steps,
        gains=tuple((row[0], row[1], row[2], row[3]) for row in found.by_group),
    )


def judge(numbers: InterpretabilityNumbers) -> Judged:
    """Judge whether attention finds important words better than random orders and gradients do."""
    return Judged(
        findings=tuple(_findings(numbers)),
        how=(
            f"{numbers.run}, {numbers.examples} test examples. Words are taken away from the text, or put back into an "
            "empty one, the most important first: by integrated gradients (Sundararajan et al. 2017, "
            f"{numbers.steps} steps), and by the attention that a token receives on average over heads, layers and "
            "tokens. What a way gains is the area between the curve of what is predicted and its mean over random "
            "orders (Petsiuk et al. 2018); above 0 is better than chance."
        ),
        limits=(
            "One run: the intervals are over test examples, and say nothing about other training runs.",
            "Mean attention is one of many ways to read attention; another may do better.",
            "That words matter to a model does not say why (Jain and Wallace 2019, “Attention is not Explanation”).",
        ),
        tables=(_table(numbers),),
    )


def _findings(numbers: InterpretabilityNumbers) -> Iterator[Finding]:
    for curve, place in zip(("taken away", "put back"), WAYS["attention"], strict=True):
        gain = interval([row[place] for row in numbers.gains], tests=TESTS)
        by = f"by attention ({curve}: {gain.shown(3)})"
        yield finding(
            gain,
            0.0,
            above=f"words that matter are found {by}",
            below=f"words that matter less than random ones come first {by}",
        )
    lead = interval([row[2] - row[0] for row in numbers.gains], tests=TESTS)
    apart = f"(taken away: a difference of {lead.shown(3)})"
    yield finding(
        lead,
        0.0,
        above=f"attention finds better words than integrated gradients do {apart}",
        below=f"attention finds worse words than integrated gradients do {apart}",
        around=f"whether attention or integrated gradients find better words {apart}",
    )


def _table(numbers: InterpretabilityNumbers) -> Table:
    rows = tuple(
        (way, *(interval([row[place] for row in numbers.gains]).shown(3) for place in places))
        for way, places in WAYS.items()
    )
    caption = "What each way gains on random orders, as an area under the curve, with 95 % intervals over examples."
    return Table(caption, ("by", "taken away (deletion)", "put back (insertion)"), rows)


claim = Claim(
    title="Interpretability",
    says="Its attention shows which words a Transformer’s answer rests on.",
    settings=InterpretabilitySettings,
    numbers=InterpretabilityNumbers,
    measure=measure,
    judge=judge,
)
