"""The results of a comparison as report formats render them, from all tasks and models down to single runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.comparison.clean import CleanScore
from harness.comparison.costs import Cost
from harness.comparison.counts import OverTasks
from harness.comparison.effects import Difference
from harness.comparison.look import Look
from harness.comparison.needed import Needed
from harness.comparison.power_law import PowerLaw
from harness.comparison.statistics import Estimate
from harness.comparison.tuned import TunedModel
from harness.config.margin import Margin, Margins
from harness.record import RunRecord, TaskCard
from harness.runs.inference_cost import InferenceCost
from harness.varied import Varied

COPIED = "copied"
"""Marks a run that is a copy of another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run in a cell: one seed.

    Attributes:
        score: The main test metric, recomputed; None if the run has none.
        trouble: Why there is no score, in words for the report.
        trouble_in_short: The same in two or three words.
        is_not_applicable: Whether the metric is undefined for this kind of model, so that no score is expected.
        is_collapsed: Whether training collapsed to a model that ignores its input or is no better than one that does
            (`harness.comparison.collapse`).
        folds: In cross-validation, the runs whose predictions are joined in this one (`harness.comparison.folds`).
        folder: The folder of the run; None if it has no score.
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
        """The runs that were trained: the folds in cross-validation, otherwise the run itself."""
        return self.folds or (self,)


@dataclass(frozen=True, slots=True)
class BestOf:
    """The best of several models that may be the best.

    Attributes:
        models: The number of these models.
        low: Lower end of the best one's 95 % interval; corrected for the selection if more is better.
        high: Upper end of the interval; corrected for the selection if less is better.
    """

    models: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOfModel:
    """The runs of one model on one task.

    Attributes:
        is_simple_baseline: Whether the model is a simple baseline.
        runs: The runs by seed.
        in_use: Inference cost, if `harness measure` was run.
    """

    model: str
    family: str
    is_simple_baseline: bool
    runs: tuple[Run, ...]
    in_use: InferenceCost | None = None

    @property
    def scored(self) -> tuple[Run, ...]:
        """Runs with a score."""
        return tuple(run for run in self.runs if run.score is not None)

    @property
    def scored_records(self) -> tuple[RunRecord, ...]:
        """Records of the runs with a score; in cross-validation one per fold."""
        return tuple(training.record for run in self.scored for training in run.trainings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(RunsOfModel):
    """One model on one task. A cell without runs is a gap.

    Attributes:
        missing_seeds: Seeds that other models of the task have and this one lacks.
        estimate: The mean score over complete seeds; None if there are none. It has no interval if some runs collapsed
            and the others stand apart, because it then depends on how many collapse.
        without_collapsed: The mean score of the other runs, if some collapsed and the others stand apart.
        seed_deviation: Standard deviation over seeds; None for fewer than two.
        examples: Number of test examples.
        clusters: Effective number of independent groups of test examples; 0 if scores are taken from the record.
        best_of: For the best model: how many may be the best, itself included, and its interval after selection; None
            if no other may be.
        doubts: Reasons to doubt the mean, a few words each.
        is_compared: Whether the cell takes part in comparisons: it and at least one other model have several seeds, or
            need none.
        beaten_by: The models that are shown to be better.
        p_behind: The adjusted p-value against each of them.
        clean: The score on test examples that repeat no training example, if some do and it was recorded.
        is_near_best: Whether the model is shown not to be worse than any other tested model by the task's margin or
            more; None if that was not tested.
    """

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

    @property
    def mean(self) -> Estimate:
        """The estimate of a model that has a score."""
        assert self.estimate is not None, "asked of models with a score alone"
        return self.estimate

    @property
    def is_top(self) -> bool:
        """Whether the model may be the best: it was compared, and no other is shown to be better."""
        return self.is_compared and not self.beaten_by

    @property
    def collapsed(self) -> tuple[Run, ...]:
        """Runs whose training collapsed."""
        return tuple(run for run in self.runs if run.is_collapsed)

    @property
    def has_learnt_nothing(self) -> bool:
        """Whether every run with a score collapsed."""
        return bool(self.scored) and all(run.is_collapsed for run in self.scored)

    @property
    def troubled(self) -> tuple[Run, ...]:
        """Runs without a score."""
        return tuple(run for run in self.runs if run.score is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """All models on one task of one suite, with a cell per model in the order of the comparison.

    Attributes:
        look: The current look of a sequential comparison.
        varied: The value of the setting that the suite varies.
        doubts: Reasons to doubt this comparison, in sentences.
        doubts_of_order: Reasons to doubt the order of the scores, a few words each.
        doubts_of_claims: Reasons to doubt every claim of a difference, a few words each.
        margin: The smallest difference that matters, if one was given.
        tuned: How the models were tuned.
        needed: What it would take to tell the leading models apart, if they are not.
        short_runs: What the runs were limited to, if they were cut short for a first answer; else empty.
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
    short_runs: str = ""

    @property
    def folds(self) -> int:
        """Number of folds; 0 without cross-validation."""
        found = {training.record.fold for cell in self.cells for run in cell.runs for training in run.folds}
        return max((fold.of for fold in found if fold is not None), default=0)

    @property
    def base_task(self) -> str:
        """The name of the task without the value of a varied setting."""
        return self.task if self.varied is None else self.varied.task

    @property
    def ranked(self) -> tuple[Cell, ...]:
        """Cells with a score, the best first."""
        sign = -1 if self.card.higher_is_better else 1
        scored = (cell for cell in self.cells if cell.estimate is not None)
        return tuple(sorted(scored, key=lambda cell: sign * cell.mean.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A task at several values of a setting. Each value is a comparison, and a family of claims, of its own.

    Attributes:
        sizes: The values in ascending order; for training sizes, the actual number of examples.
        tasks: The comparison at each value.
        laws: The power law of each model's errors, where one fits.
    """

    sizes: tuple[int, ...]
    tasks: tuple[TaskComparison, ...]
    varied: Varied
    laws: Mapping[str, PowerLaw] = field(default_factory=dict)

    @property
    def cells(self) -> Mapping[str, tuple[tuple[int, Cell], ...]]:
        """Sizes and cells of each model that has a score."""
        names = [cell.model for cell in self.tasks[0].cells]
        pairs = [
            list(zip(self.sizes, cells, strict=True)) for cells in zip(*(t.cells for t in self.tasks), strict=True)
        ]
        scored = [tuple((size, cell) for size, cell in found if cell.estimate is not None) for found in pairs]
        return {name: found for name, found in zip(names, scored, strict=True) if found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The complete results of a comparison.

    Attributes:
        runs: The folder of the runs, as the user gave it.
        description: The question of the suite; may be empty.
        models: The names of the models, simple baselines last.
        baseline: The model that the others are compared with.
        margins: The smallest differences that matter, if given.
        problems: Records and predictions that could not be read.
        warnings: Reasons to doubt the comparison.
        foreseen: How accurate the forecasts of time and intervals were, a line each.
        over_tasks: What is shown across tasks; None for a single task, or if nothing could be shown.
        curves: The tasks for which a setting is varied.
        folders: The folders of the runs, as the user gave them, if there are several; else empty.
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
    folders: tuple[str, ...] = ()

    @property
    def task_count(self) -> int:
        """Number of tasks. A task with two metrics, or at several values of a setting, counts once."""
        return len({(task.suite, task.base_task) for task in self.tasks})
