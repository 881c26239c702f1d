"""The smallest difference that a suite's plan detects on each task, and what a smaller one would take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.comparison.analysis import model_runs
from harness.comparison.power import (
    MOST_MODELS,
    Design,
    Noise,
    assumed_noise,
    detectable,
    examples_to_detect,
    half_width,
    recorded_noise,
    seeds_to_detect,
)
from harness.comparison.split import Split
from harness.comparison.statistics import SHARED_TRAINING, SIGNIFICANCE
from harness.config.run import task_of
from harness.data.sources import SPLITS
from harness.metrics.lookup import unit_of
from harness.metrics.metric import Unit
from harness.records import Found, grouped
from harness.runs.run import Run
from harness.suites.seeds import SeedRule
from harness.suites.sizes import Sizes


@dataclass(frozen=True, slots=True)
class TaskPower:
    """The power of a plan on a task.

    Attributes:
        task: The name of the task.
        unit: The unit of its main metric.
        design: The planned comparison.
        noise: The variances of scores; None if unknown.
        group: The column that groups examples; None if they are not grouped.
    """

    task: str
    unit: Unit
    design: Design
    noise: Noise | None
    group: str | None = None

    @property
    def detectable(self) -> float | None:
        """The smallest difference detected with 80 % power; None if unknown."""
        return None if self.noise is None else detectable(self.noise, self.design)

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval of a difference."""
        return None if self.noise is None else half_width(self.noise, self.design)

    def seeds_for(self, difference: float) -> int | None:
        """The number of seeds that detects the difference; None if no number does."""
        return None if self.noise is None else seeds_to_detect(self.noise, self.design, difference)

    def examples_for(self, difference: float) -> int | None:
        """The number of test examples that detects it; None if no number does."""
        return None if self.noise is None else examples_to_detect(self.noise, self.design, difference)


def planned_power(
    planned: Sequence[Run],
    rule: SeedRule | None,
    records: Mapping[str, Sequence[Found]],
    sizes: Mapping[str, Sizes],
    simple: Collection[str],
) -> list[TaskPower]:
    """The power of a plan on each task on which models are compared.

    Args:
        planned: The planned runs.
        rule: The looks of a sequential suite, of which the last one counts.
        records: For each task, its records in any suite, with their folders.
        sizes: The split sizes of each task.
        simple: The names of simple baselines.
    """
    found = []
    for task in dict.fromkeys(run.config.task for run in planned):
        runs = [run for run in planned if run.config.task == task]
        metric = runs[0].config.metrics[0]
        design = _design(runs, rule, sizes[task], simple)
        if design is not None:
            unit = unit_of(metric)
            assumed = assumed_noise(unit)
            if assumed is not None and runs[0].config.fold is not None:
                assumed = replace(assumed, examples=SHARED_TRAINING * assumed.examples)
            noise = noise_of(records.get(task, ()), metric) or assumed
            found.append(TaskPower(task, unit, design, noise, task_of(runs[0].config).group))
    return found


def noise_of(records: Sequence[Found], metric: str) -> Noise | None:
    """Estimate a metric's noise from the suite with the most recorded runs of a task; None if that is impossible."""
    complete = [(folder, record) for folder, record in records if record.status == "complete"]
    if not complete:
        return None
    ours = max(grouped(complete, lambda record: (record.suite, record.task)).values(), key=len)
    card = ours[0][1].task_card.model_copy(update={"main_metric": metric})
    models, splits = list(grouped(ours, lambda record: record.model).values()), dict[str, Split]()
    by_model = [model_runs(runs[0][1], runs, card, splits) for runs in models[:MOST_MODELS]]
    return recorded_noise(by_model, f"as in {len(ours)} recorded runs of suite {ours[0][1].suite}")


def _design(runs: Sequence[Run], rule: SeedRule | None, sizes: Sizes, simple: Collection[str]) -> Design | None:
    """The planned comparison; None with fewer than two models, or if the test split is not read or its size unknown."""
    names = {run.model for run in runs}
    trained = names.difference(simple)
    models = len(trained) + (len(trained) < len(names))  # Only the best simple baseline is compared.
    examples = sizes.limited("test", runs[0].config.training)
    if runs[0].config.fold is not None and examples is not None:  # Each row is a test row once.
        examples = sum(sizes.limited(split, runs[0].config.training) or 0 for split in SPLITS)
    if models < 2 or examples is None or runs[0].config.evaluate != "test":
        return None
    seeds = len({run.config.seed for run in runs if run.model in trained})
    level = SIGNIFICANCE if rule is None else rule.levels[-1]
    return Design(seeds=seeds, examples=examples, models=models, trained=min(len(trained), 2), level=level)
