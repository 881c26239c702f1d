"""The parts of a comparison, as the formats render them: tasks x models, down to the single run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.comparison.clean import CleanScore
from harness.comparison.costs import Cost
from harness.comparison.counts import OverTasks
from harness.comparison.effects import Flips, RunWins, Within
from harness.comparison.look import Look
from harness.comparison.needed import Needed
from harness.comparison.power_law import PowerLaw
from harness.comparison.statistics import SIGNIFICANCE, Estimate
from harness.comparison.tuned import TunedModel
from harness.config.margin import Margin, Margins
from harness.metrics.metric import Unit
from harness.record import RunRecord, TaskCard
from harness.runs.inference_cost import InferenceCost
from harness.varied import Varied

COPIED = "copied"
"""In short, what is the trouble with a run that is a copy of another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One seed of a cell.

    Attributes:
        score: The main metric on the test split, recomputed; None where the run has none to show.
        trouble: Why it has none, as a reader of the report should hear it.
        trouble_in_short: The same in two or three words.
        is_not_applicable: Whether the metric says nothing of such a model, so that none was to be expected.
        is_collapsed: Whether training gave a model that tells no example from another, or does no better
            (`harness.comparison.collapse`).
        folds: In cross-validation, the runs whose predictions make up this one's (`harness.comparison.folds`).
        folder: Where it lies; None where it has no score.
    """

    record: RunRecord
    score: float | None
    trouble: str = ""
    trouble_in_short: str = ""
    is_not_applicable: bool = False
    is_collapsed: bool = False
    folds: tuple[Run, ...] = ()
    folder: Path | None = None

    @property
    def trainings(self) -> tuple[Run, ...]:
        """Its folds, each of which was trained by itself; itself outside cross-validation."""
        return self.folds or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A model's score minus another's, on the same test examples.

    Attributes:
        estimate: None where the two were not tested on the same examples, or not scored in the same units.
        adjusted_p: One-sided, of the side that is ahead, in the task's family of comparisons
            (`harness.comparison.multiplicity`); None where the two were not tested against each other.
        gain: The difference with its sign turned so that more is better.
        run_wins: How often a new run of the model scores better than a new run of the other one; None: not known.
        flips: How many test examples each of the two wins; None of metrics that are no mean over examples.
        within: What is shown by the comparison's margin; None without one, or where it can't be tested.
    """

    against: str
    estimate: Estimate | None
    adjusted_p: float | None
    gain: float | None
    run_wins: RunWins | None = None
    flips: Flips | None = None
    within: Within | None = None

    @property
    def is_significant(self) -> bool:
        """Whether chance is a poor explanation, after adjustment."""
        return self.adjusted_p is not None and self.adjusted_p < SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class BestOf:
    """The best of several models that may be the best.

    Attributes:
        models: How many they are.
        low: The lower end of the best one's 95 % interval, which allows for the choice where more is better.
        high: The upper end, which allows for it where less is.
    """

    models: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model on one task. Without runs it is a gap.

    Attributes:
        is_simple_baseline: Whether it is a trivial model, there to be beaten.
        missing_seeds: Seeds that other models of the task have and this one lacks.
        estimate: The mean score over the complete seeds; None where there is none. It has no interval where some runs
            collapsed and the others stand apart: it then depends on how many do.
        without_collapsed: The mean score of the others, where some runs collapsed and the others stand apart.
        seed_deviation: Standard deviation over seeds; None below two seeds.
        examples: Test examples.
        clusters: As many independent groups of one size would tell as much as these; 0 where scores are as recorded.
        best_of: Of the best: how many may be, and what its interval is after that choice; None where no other may be.
        doubts: What makes its mean doubtful, a few words each.
        is_compared: Whether anything could be shown of it: it has several seeds, as has another model, or needs none.
        beaten_by: The models that are shown to be ahead of it.
        p_behind: The adjusted p-value by each of them.
        in_use: What a run's model costs in use, where `harness measure` was there.
        clean: Its score on the test examples that repeat no training example, where some do and that was recorded.
        is_near_best: Whether it is shown to be not worse than any other tested model by the task's margin or more; None
            where that was not tested.
    """

    model: str
    family: str
    is_simple_baseline: bool
    runs: tuple[Run, ...]
    missing_seeds: tuple[int, ...]
    estimate: Estimate | None
    without_collapsed: Estimate | None
    seed_deviation: float | None
    examples: int
    clusters: float
    best_of: BestOf | None = None
    doubts: tuple[str, ...]
    is_compared: bool = False
    beaten_by: tuple[str, ...] = ()
    p_behind: Mapping[str, float] = field(default_factory=dict)
    clean: CleanScore | None = None
    is_near_best: bool | None = None
    from_baseline: Difference | None = None
    from_simple_baseline: Difference | None = None
    cost: Cost | None
    in_use: InferenceCost | None

    @property
    def is_top(self) -> bool:
        """Whether it may be the best: it was compared, and no model is shown to be ahead of it."""
        return self.is_compared and not self.beaten_by

    @property
    def scored(self) -> tuple[Run, ...]:
        """The runs with a score."""
        return tuple(run for run in self.runs if run.score is not None)

    @property
    def collapsed(self) -> tuple[Run, ...]:
        """The runs whose training collapsed."""
        return tuple(run for run in self.runs if run.is_collapsed)

    @property
    def troubled(self) -> tuple[Run, ...]:
        """The runs without one."""
        return tuple(run for run in self.runs if run.score is None)

    @property
    def scored_records(self) -> tuple[RunRecord, ...]:
        """The records of the runs with a score, each fold's own."""
        return tuple(training.record for run in self.scored for training in run.trainings)


def ends_of(cell: Cell, unit: Unit) -> tuple[float, float, float]:
    """The interval's low end, the mean and the high end of a cell with a score, as numbers to be drawn."""
    assert cell.estimate is not None
    return unit.ends(cell.estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """All models on one task of one suite; one cell per model, in the comparison's order.

    Attributes:
        look: Of a sequential comparison.
        varied: Which value a setting has of which the suite compares several.
        doubts: What makes this task's comparison doubtful, in sentences.
        doubts_of_order: What makes the order of the scores doubtful, a few words each.
        doubts_of_claims: What makes every claim of a difference doubtful, a few words each.
        margin: By how much worse is still not worse, if that was said.
        tuned: How models were tuned.
        needed: What would tell apart the models that are in the race, where they are not.
    """

    suite: str
    task: str
    card: TaskCard
    cells: tuple[Cell, ...]
    look: Look | None = None
    varied: Varied | None = None
    doubts: tuple[str, ...] = ()
    doubts_of_order: tuple[str, ...] = ()
    doubts_of_claims: tuple[str, ...] = ()
    margin: Margin | None = None
    tuned: tuple[TunedModel, ...] = ()
    needed: Needed | None = None

    @property
    def folds(self) -> int:
        """Of how many folds its cross-validation is; 0: it is none."""
        found = {training.record.fold for cell in self.cells for run in cell.runs for training in run.folds}
        return max((fold.of for fold in found if fold is not None), default=0)

    @property
    def base_task(self) -> str:
        """The task's name without the value of what is varied."""
        return self.task if self.varied is None else self.varied.task

    @property
    def ranked(self) -> tuple[Cell, ...]:
        """The cells with a score, the best first."""
        sign = -1 if self.card.higher_is_better else 1
        scored = [(cell.estimate.value, cell) for cell in self.cells if cell.estimate is not None]
        return tuple(cell for _, cell in sorted(scored, key=lambda pair: sign * pair[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A task at several values of a setting. Each is a comparison, and a family of claims, of its own.

    Attributes:
        sizes: The values, ascending; of training examples as many as there were.
        tasks: The comparison at each.
        laws: By model, what its errors follow, where a law says so.
    """

    sizes: tuple[int, ...]
    tasks: tuple[TaskComparison, ...]
    varied: Varied
    laws: Mapping[str, PowerLaw] = field(default_factory=dict)

    @property
    def cells(self) -> Mapping[str, tuple[tuple[int, Cell], ...]]:
        """Each model's sizes and cells, where it has a score; models without any are left out."""
        names = [cell.model for cell in self.tasks[0].cells]
        pairs = [
            list(zip(self.sizes, cells, strict=True)) for cells in zip(*(t.cells for t in self.tasks), strict=True)
        ]
        scored = [tuple((size, cell) for size, cell in found if cell.estimate is not None) for found in pairs]
        return {name: found for name, found in zip(names, scored, strict=True) if found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that a report shows.

    Attributes:
        runs: The folder, as the user named it.
        description: What the comparison asks, as its suite says; may be empty.
        models: Every model's name, the simple baselines last.
        baseline: The model that differences are taken from.
        margins: By how much worse is still not worse, if that was said.
        problems: Records and predictions that could not be read.
        warnings: What makes a comparison doubtful.
        foreseen: How good the forecasts of time and of intervals were, a line each.
        over_tasks: What is shown over all tasks together; None of a single one, or where nothing could be shown.
        curves: Of each task at several values of a setting.
    """

    runs: str
    models: tuple[str, ...]
    baseline: str | None
    tasks: tuple[TaskComparison, ...]
    description: str = ""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    foreseen: tuple[str, ...] = ()
    over_tasks: OverTasks | None = None
    margins: Margins | None = None
    curves: tuple[Curves, ...] = ()

    @property
    def task_count(self) -> int:
        """How many tasks there are; one that is scored by two metrics, or at several values, counts once."""
        return len({(task.suite, task.base_task) for task in self.tasks})
