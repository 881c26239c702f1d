"""One pretrained checkpoint serves tasks of every type: fine-tuned a little, against the simple baselines of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from harness.claims.claim import Claim, Finding, Judged, Numbers, OfRuns, Outcome, Suites, Table
from harness.claims.compared import ONE_SEED, Beside, beside, comparisons
from harness.comparison.over_tasks import at_least
from harness.comparison.statistics import SIGNIFICANCE
from harness.comparison.wording import listed
from harness.errors import UserError
from harness.metrics.lookup import metric_name
from harness.registry import TASK_TYPES


class FlexibilitySettings(OfRuns):
    """Settings of the measurement.

    Attributes:
        suites: Suites with a task of each type, and simple baselines.
        model: The model of configs/models that is fine-tuned on all tasks.
    """

    suites: Suites = ("flexibility", "flexibility_tags")
    model: str = "minilm"


class FlexibilityNumbers(Numbers):
    """The measured numbers.

    Attributes:
        model: The model.
        tasks: Its score beside that of the best simple baseline, for each task.
    """

    model: str
    tasks: tuple[Beside, ...] = Field(min_length=1)


def measure(settings: FlexibilitySettings, folder: Path) -> FlexibilityNumbers:
    """Compare the model with the best simple baseline of each task."""
    found: list[Beside] = []
    times = Counter[str]()
    for task in comparisons(settings, folder):
        cell = next((cell for cell in task.cells if cell.model == settings.model), None)
        one = None if cell is None else beside(task, cell, cell.from_simple_baseline)
        if one is not None:
            found.append(one)
            times[task.base_task] += 1
    if not found:
        raise UserError(
            f"{folder}: no scores of {settings.model} beside a simple baseline. Name suites that have both."
        )
    twice = sorted(task for task, count in times.items() if count > 1)
    if twice:
        raise UserError(
            f"{folder}: {listed(twice)}: compared several times, in two suites, by two metrics or at several values of "
            "a setting, which would count as several tasks. Name suites with each task once."
        )
    return FlexibilityNumbers(model=settings.model, tasks=tuple(found))


def judge(numbers: FlexibilityNumbers) -> Judged:
    """Judge on which tasks the model is shown to be ahead."""
    tested = {one.task_type for one in numbers.tasks}
    untested = sorted(name.replace("_", " ") for name in {*TASK_TYPES.names()} - tested)
    of_one_seed = any(one.p is None for one in numbers.tasks)
    return Judged(
        findings=tuple(_findings(numbers)),
        how=(
            f"{numbers.model} on {len(numbers.tasks)} tasks of {len(tested)} types, with a head for each: test scores "
            "with 95 % intervals over seeds and examples, beside those of the best simple baseline. A difference is "
            f"shown where its p-value, adjusted for the task’s comparisons, is below {SIGNIFICANCE:g}"
            f"{', or of a single seed by its 95 % interval over examples' if of_one_seed else ''}; how many tasks that "
            "supports takes their number into account."
        ),
        limits=(
            *([f"No task of the types {listed(untested)} was tested."] if untested else []),
            *([ONE_SEED] if of_one_seed else []),
            "One recipe for each task: a model that is not shown to be ahead here may be with more examples or steps.",
        ),
        tables=(_table(numbers.tasks),),
    )


def _findings(numbers: FlexibilityNumbers) -> Iterator[Finding]:
    baseline, total = "the best simple baseline", len(numbers.tasks)
    sides: tuple[tuple[str, Outcome, str], ...] = (("above", "held", "ahead of"), ("below", "did not hold", "behind"))
    for side, outcome, words in sides:
        found = [one for one in numbers.tasks if one.side() == side]
        least = at_least(len(found), total)
        counted = f", which supports that on at least {least} of the {total} tasks" if total > 1 else ""
        if least:
            yield Finding(outcome, f"{numbers.model} is {words} {baseline} on {_named(found)}{counted}")
        elif found:
            text = f"whether {numbers.model} is {words} {baseline} on {_named(found)}"
            yield Finding("cannot tell", f"{text}: on so few of the {total} tasks it may be chance")
    open_ = [one for one in numbers.tasks if one.side() == "around"]
    if open_:
        yield Finding("cannot tell", f"whether {numbers.model} is ahead of {baseline} on {_named(open_)}")


def _named(found: Sequence[Beside]) -> str:
    return listed(f"{one.task_type.replace('_', ' ')} ({one.task})" for one in found)


def _table(found: Sequence[Beside]) -> Table:
    rows = tuple(
        (
            f"{one.task_type.replace('_', ' ')}: {one.task}",
            metric_name(one.metric),
            one.shown(),
            one.against,
            one.gained(),
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
