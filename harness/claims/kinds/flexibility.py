"""One pretrained checkpoint serves tasks of every type: fine-tuned a little, against the simple baselines of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.claims.claim import Claim, Finding, Judged, Numbers, OfRuns, Outcome, Table
from harness.claims.compared import Beside, beside, comparisons
from harness.comparison.over_tasks import at_least
from harness.comparison.wording import listed
from harness.errors import UserError
from harness.registry import TASK_TYPES


class FlexibilitySettings(OfRuns):
    """How it is measured.

    Attributes:
        suites: Suites with a task of each type, and simple baselines.
        model: The one checkpoint.
    """

    suites: tuple[str, ...] = ("flexibility", "flexibility_tags")
    model: str = "minilm"


class FlexibilityNumbers(Numbers):
    """What was measured.

    Attributes:
        model: The checkpoint.
        tasks: It beside the best simple baseline of each task.
    """

    model: str
    tasks: tuple[Beside, ...]


def measure(settings: FlexibilitySettings, folder: Path) -> FlexibilityNumbers:
    """Compare the model with the best simple baseline of each task."""
    found = []
    for task in comparisons(settings, folder):
        cell = next((cell for cell in task.cells if cell.model == settings.model), None)
        one = None if cell is None else beside(task, cell, cell.from_simple_baseline)
        found += [] if one is None else [one]
    if not found:
        raise UserError(
            f"{folder}: no scores of {settings.model} beside a simple baseline. Name suites that have both."
        )
    return FlexibilityNumbers(model=settings.model, tasks=tuple(found))


def judge(numbers: FlexibilityNumbers) -> Judged:
    """On tasks of which types the model is shown to be ahead."""
    tested = {one.task_type for one in numbers.tasks}
    untested = sorted({*TASK_TYPES.names()} - tested)
    limits = [
        f"No task of the types {listed(untested)} was tested: there is none offline, or none by which the model and a "
        "simple baseline can be compared."
    ]
    return Judged(
        findings=tuple(_findings(numbers)),
        how=(
            f"{numbers.model}, one task of each of {len(tested)} types, a few hundred training examples of each, and a "
            "head for each: test scores with 95 % intervals over seeds and examples, beside those of the best simple "
            "baseline. A difference is shown where its p-value, adjusted for the task’s comparisons, is below 0.05; "
            "how many tasks that supports takes their number into account."
        ),
        limits=(
            *(limits if untested else []),
            "A little training: a model that is not shown to be ahead may be with more examples or steps.",
        ),
        tables=(_table(numbers.tasks),),
    )


def _findings(numbers: FlexibilityNumbers) -> Iterator[Finding]:
    sides = {one.task: one.side(len(numbers.tasks)) for one in numbers.tasks}
    ahead, behind, open_ = (
        [one for one in numbers.tasks if sides[one.task] == side] for side in ("above", "below", "around")
    )
    texts: tuple[tuple[Sequence[Beside], Outcome, str], ...] = (
        (
            ahead,
            "held",
            f"{numbers.model} is ahead of the best simple baseline on {_named(ahead)}{_counted(numbers, ahead)}",
        ),
        (behind, "did not hold", f"{numbers.model} is behind it on {_named(behind)}"),
        (open_, "cannot tell", f"no difference is shown on {_named(open_)}"),
    )
    yield from (Finding(outcome, text) for found, outcome, text in texts if found)


def _named(found: Sequence[Beside]) -> str:
    return listed(f"{one.task_type.replace('_', ' ')} ({one.task})" for one in found)


def _counted(numbers: FlexibilityNumbers, ahead: Sequence[Beside]) -> str:
    tasks = len(numbers.tasks)
    return f", which supports at least {at_least(len(ahead), tasks)} of the {tasks} types" if tasks > 1 else ""


def _table(found: Sequence[Beside]) -> Table:
    rows = tuple(
        (
            f"{one.task_type.replace('_', ' ')}: {one.task}",
            one.named_metric,
            one.shown(),
            one.against,
            one.gained.shown(1),
            str(one.seeds),
        )
        for one in found
    )
    caption = "Test scores with 95 % intervals, and by how much the model is better than the best simple baseline."
    return Table(caption, ("task", "metric", "score", "best simple baseline", "gain", "seeds"), rows)


claim = Claim(
    title="Flexibility",
    says="One pretrained Transformer is of use for tasks of every type, with a new head for each.",
    settings=FlexibilitySettings,
    numbers=FlexibilityNumbers,
    measure=measure,
    judge=judge,
)
