"""Transformers relate tokens that are far apart: architectures on long texts made by a generator, against guessing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from harness.claims.claim import Claim, Finding, Judged, Numbers, OfRuns, Outcome, Suites, Table
from harness.claims.compared import Beside, beside, comparisons
from harness.comparison.formatting import share
from harness.comparison.statistics import SIGNIFICANCE
from harness.comparison.wording import listed
from harness.errors import UserError


class LongSequencesSettings(OfRuns):
    """Settings of the measurement.

    Attributes:
        suites: Suites of long texts, read in several ways.
        guessing: The suite's baseline, a model that reads nothing.
    """

    suites: Suites = ("long_sequences",)
    guessing: str = "majority"


class LongSequencesNumbers(Numbers):
    """The measured numbers.

    Attributes:
        found: The score of each trained model on each task, beside that of guessing.
        simple: The same for the simple baselines.
    """

    found: tuple[Beside, ...] = Field(min_length=1)
    simple: tuple[Beside, ...]


def measure(settings: LongSequencesSettings, folder: Path) -> LongSequencesNumbers:
    """Compare each model with guessing, which is the suite's baseline."""
    found: dict[bool, list[Beside]] = {False: [], True: []}
    for task in comparisons(settings, folder):
        for cell in task.cells:
            difference = cell.from_baseline
            one = beside(task, cell, difference)
            if one is not None and one.against == settings.guessing:
                found[cell.is_simple_baseline].append(one)
    if not found[False]:
        raise UserError(
            f"{folder}: no scores beside {settings.guessing}. Name a suite with it as baseline, and with results."
        )
    return LongSequencesNumbers(found=tuple(found[False]), simple=tuple(found[True]))


def judge(numbers: LongSequencesNumbers) -> Judged:
    """Judge for each task which models are shown to be ahead of guessing."""
    seeds = sorted({one.seeds for one in numbers.found})
    limits = [
        "What is not shown for a model here may be shown with more training, or for a larger model.",
        "A score does not prove understanding: a bag of words may reach it too, as the table shows where "
        "it includes one.",
    ]
    if seeds[0] == 1:
        limits.append("One seed: the intervals are over test examples, and say nothing about other training runs.")
    return Judged(
        findings=tuple(_findings(numbers.found)),
        how=(
            f"Test scores of each model beside those of {numbers.found[0].against}. Seeds of each: "
            f"{listed(map(str, seeds))}. {_shown_where(numbers.found)}"
        ),
        limits=tuple(limits),
        tables=(_table(numbers),),
    )


def _shown_where(found: Sequence[Beside]) -> str:
    """Describe the tests by which a difference is shown."""
    tasks = len({one.task for one in found})
    rules = []
    if any(one.p is not None for one in found):
        rules.append(
            "where its p-value, adjusted for the task’s comparisons, is below "
            f"{SIGNIFICANCE:g}{f' / {tasks}, for as many tasks' if tasks > 1 else ''}"
        )
    if any(one.p is None for one in found):
        rules.append(
            "by the 95 % interval over test examples where there is one seed, widened for all models"
            f"{f' and {tasks} tasks' if tasks > 1 else ''}"
        )
    return f"A difference is shown {', and '.join(rules)}."


def _findings(found: Sequence[Beside]) -> Iterator[Finding]:
    tasks = list(dict.fromkeys(one.task for one in found))
    for task in tasks:
        own = [one for one in found if one.task == task]
        sides: dict[str, list[str]] = {"above": [], "below": [], "around": []}
        for one in own:
            sides[one.side(tasks=len(tasks), models=len(own))].append(f"{one.model} ({one.shown()})")
        texts: tuple[tuple[str, Outcome, str], ...] = (
            ("above", "held", f"on {task} ahead of guessing: {listed(sides['above'])}"),
            ("below", "did not hold", f"on {task} worse than guessing: {listed(sides['below'])}"),
            ("around", "cannot tell", f"whether ahead of guessing on {task}: {listed(sides['around'])}"),
        )
        yield from (Finding(outcome, text) for side, outcome, text in texts if sides[side])


def _table(numbers: LongSequencesNumbers) -> Table:
    rows = tuple(
        (f"{one.task}, {one.model}", one.shown(), one.gained(), share(one.tokens_read), str(one.seeds))
        for one in sorted((*numbers.found, *numbers.simple), key=lambda one: one.task)
    )
    caption = "Test scores with 95 % intervals against guessing, the gain, and the share of the tokens that is read."
    return Table(caption, ("task, model", "score", "gain", "read", "seeds"), rows)


claim = Claim(
    title="Long sequences",
    says="A Transformer relates tokens however far apart they are: what stands anywhere in a long text is found, and "
    "what depends on all of it is computed.",
    settings=LongSequencesSettings,
    numbers=LongSequencesNumbers,
    measure=measure,
    judge=judge,
)
