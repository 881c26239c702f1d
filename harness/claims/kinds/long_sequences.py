"""Transformers relate tokens that are far apart: architectures on long texts made by a generator, against guessing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from harness.claims.claim import Claim, Finding, Judged, Numbers, OfRuns, Outcome, Suites, Table
from harness.claims.compared import ONE_SEED, Beside, beside, comparisons
from harness.comparison.formatting import NOTHING, share
from harness.comparison.statistics import SIGNIFICANCE
from harness.comparison.wording import listed
from harness.errors import UserError


class LongSequencesSettings(OfRuns):
    """Settings of the measurement.

    Attributes:
        suites: Suites of long texts, read in several ways.
        guessing: The suite's baseline, a model that reads nothing.
        near: The trained model that relates near tokens only; the others are compared with it, too.
    """

    suites: Suites = ("long_sequences",)
    guessing: str = "majority"
    near: str = "windows"


class LongSequencesNumbers(Numbers):
    """The measured numbers.

    Attributes:
        found: The score of each trained model on each task, beside that of guessing.
        simple: The same for the simple baselines.
        farther: The score of each other trained model beside that of the one that relates near tokens only.
    """

    found: tuple[Beside, ...] = Field(min_length=1)
    simple: tuple[Beside, ...]
    farther: tuple[Beside, ...] = ()


def measure(settings: LongSequencesSettings, folder: Path) -> LongSequencesNumbers:
    """Compare each model with guessing, which is the suite's baseline, and with the one that relates near tokens."""
    found = {simple: _beside(settings, folder, against=settings.guessing, simple=simple) for simple in (False, True)}
    if not found[False]:
        raise UserError(
            f"{folder}: no scores beside {settings.guessing}. Name a suite with it as baseline, and with results."
        )
    farther = _beside(settings, folder, against=settings.near, simple=False)
    return LongSequencesNumbers(found=found[False], simple=found[True], farther=farther)


def _beside(settings: LongSequencesSettings, folder: Path, *, against: str, simple: bool) -> tuple[Beside, ...]:
    """Compare the trained models, or the simple baselines, with another model on each task."""
    baseline = None if against == settings.guessing else against
    found = [
        beside(task, cell, cell.from_baseline)
        for task in comparisons(settings, folder, baseline=baseline)
        for cell in task.cells
        if cell.is_simple_baseline is simple
    ]
    return tuple(one for one in found if one is not None and one.against == against)


def judge(numbers: LongSequencesNumbers) -> Judged:
    """Judge for each task which models are shown to be ahead of guessing."""
    seeds = sorted({one.seeds for one in numbers.found})
    limits = [
        "What is not shown for a model here may be shown with more training, or for a larger model.",
        "A score does not prove understanding: a bag of words may reach it too, as the table shows where "
        "it includes one.",
    ]
    if seeds[0] == 1:
        limits.append(ONE_SEED)
    near = f", and beside those of {_near(numbers)}, which relates near tokens only" if numbers.farther else ""
    return Judged(
        findings=(*_findings(numbers, numbers.found, "guessing"), *_findings(numbers, numbers.farther, _near(numbers))),
        how=(
            f"Test scores of each model beside those of {numbers.found[0].against}{near}. Seeds of "
            f"each: {listed(map(str, seeds))}. {_shown_where(numbers.found)}"
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
            "by the 95 % interval over test examples where there is one seed, widened for all comparisons"
            f"{f' and {tasks} tasks' if tasks > 1 else ''}"
        )
    return f"A difference is shown {', and '.join(rules)}."


def _near(numbers: LongSequencesNumbers) -> str:
    return numbers.farther[0].against if numbers.farther else ""


def _findings(numbers: LongSequencesNumbers, found: Sequence[Beside], other: str) -> Iterator[Finding]:
    """Yield for each task what is shown of the models in `found` beside another one, called `other`."""
    tests = Counter(one.task for one in (*numbers.found, *numbers.farther))
    for task in dict.fromkeys(one.task for one in found):
        sides: dict[str, list[str]] = {"above": [], "below": [], "around": []}
        for one in found:
            if one.task == task:
                sides[one.side(tasks=len(tests), models=tests[task])].append(f"{one.model} ({one.shown()})")
        texts: tuple[tuple[str, Outcome, str], ...] = (
            ("above", "held", f"on {task} ahead of {other}: {listed(sides['above'])}"),
            ("below", "did not hold", f"on {task} worse than {other}: {listed(sides['below'])}"),
            ("around", "cannot tell", f"whether ahead of {other} on {task}: {listed(sides['around'])}"),
        )
        yield from (Finding(outcome, text) for side, outcome, text in texts if sides[side])


def _table(numbers: LongSequencesNumbers) -> Table:
    farther = {(one.task, one.model): one.gained() for one in numbers.farther}
    rows = tuple(
        (
            f"{one.task}, {one.model}",
            one.shown(),
            one.gained(),
            *([farther.get((one.task, one.model), NOTHING)] if farther else []),
            share(one.tokens_read),
            str(one.seeds),
        )
        for one in sorted((*numbers.found, *numbers.simple), key=lambda one: one.task)
    )
    caption = "Test scores with 95 % intervals against guessing, the gains, and the share of the tokens that is read."
    gains = ("gain", *([f"gain on {_near(numbers)}"] if farther else []))
    return Table(caption, ("task, model", "score", *gains, "read", "seeds"), rows)


claim = Claim(
    title="Long sequences",
    says="A Transformer relates tokens however far apart they are: what an answer depends on may stand anywhere in a "
    "text.",
    settings=LongSequencesSettings,
    numbers=LongSequencesNumbers,
    measure=measure,
    judge=judge,
)
