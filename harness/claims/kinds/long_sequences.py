"""Transformers relate tokens that are far apart: architectures on long texts made by a generator, against guessing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.claims.claim import Claim, Finding, Judged, Numbers, OfRuns, Outcome, Table
from harness.claims.compared import Beside, beside, comparisons
from harness.comparison.formatting import share
from harness.comparison.wording import listed
from harness.errors import UserError


class LongSequencesSettings(OfRuns):
    """How it is measured.

    Attributes:
        suites: Suites of long texts, read in several ways.
        guessing: Its model that reads nothing.
    """

    suites: tuple[str, ...] = ("long_sequences",)
    guessing: str = "majority"


class LongSequencesNumbers(Numbers):
    """What was measured.

    Attributes:
        found: Each trained model on each task, beside the one that reads nothing.
        simple: The simple baselines that read, likewise.
    """

    found: tuple[Beside, ...]
    simple: tuple[Beside, ...]


def measure(settings: LongSequencesSettings, folder: Path) -> LongSequencesNumbers:
    """Compare each way to read with guessing; the suite's baseline is what guesses."""
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
    """On which task which way to read is shown to be ahead of guessing."""
    seeds = sorted({one.seeds for one in numbers.found})
    limits = [
        "Small models, trained for some minutes of a processor at most: what is not shown here may be with more.",
        "A sentence that is found is no proof of understanding: a bag of words finds it, too, where the table says so.",
    ]
    if seeds[0] == 1:
        limits.append("One seed: the intervals are over test examples, and say nothing of other trainings.")
    return Judged(
        findings=tuple(_findings(numbers.found)),
        how=(
            "Texts made by generators, the same for all; each model is trained from nothing and scored on test texts, "
            f"beside always giving the most frequent answer. Seeds of each: {listed(map(str, seeds))}. A difference is "
            "shown by the comparison’s adjusted p-value; of one seed, by the interval over test examples, widened for "
            f"{len(numbers.found)} tests."
        ),
        limits=tuple(limits),
        tables=(_table(numbers),),
    )


def _findings(found: Sequence[Beside]) -> Iterator[Finding]:
    for task in dict.fromkeys(one.task for one in found):
        own = [one for one in found if one.task == task]
        sides: dict[str, list[str]] = {"above": [], "below": [], "around": []}
        for one in own:
            sides[one.side(len(found))].append(f"{one.model} ({one.shown()})")
        texts: tuple[tuple[str, Outcome, str], ...] = (
            ("above", "held", f"on {task} ahead of guessing: {listed(sides['above'])}"),
            ("below", "did not hold", f"on {task} worse than guessing: {listed(sides['below'])}"),
            ("around", "cannot tell", f"on {task} not shown to be ahead of guessing: {listed(sides['around'])}"),
        )
        yield from (Finding(outcome, text) for side, outcome, text in texts if sides[side])


def _table(numbers: LongSequencesNumbers) -> Table:
    rows = tuple(
        (f"{one.task}, {one.model}", one.shown(), one.gained.shown(1), share(one.tokens_read), str(one.seeds))
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
