"""From a task's runs to its cells: scores, intervals, differences, and which model is shown to be behind which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.checksums import check_files
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.rescoring import NotApplicableError, RescoredRun, rescore
from harness.comparison.results import Cell, Cost, Run
from harness.comparison.statistics import Evidence, mean
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.metrics.metric import Unit
from harness.record import PREDICTIONS, RunRecord, TaskCard
from harness.registry import TASK_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRuns:
    """A model's runs on one task, by seed, with what its predictions amount to."""

    model: str
    family: str
    is_simple_baseline: bool
    runs: tuple[Run, ...]
    rescored_runs: tuple[RescoredRun, ...]

    @property
    def test_set(self) -> str | None:
        """What the scored seeds were tested on; None where they differ, or there is none."""
        found = {rescored.test_set for rescored in self.rescored_runs}
        return found.pop() if len(found) == 1 else None

    @property
    def units(self) -> str | None:
        """What the scored seeds were scored per, such as one tokenizer's tokens; None where they differ."""
        found = {rescored.units for rescored in self.rescored_runs}
        return found.pop() if len(found) == 1 else None

    @property
    def evidence(self) -> Evidence | None:
        """What the scored seeds say; None where they were not tested on the same examples, or there is none."""
        if self.test_set is None:
            return None
        return Evidence(
            np.array([rescored.score for rescored in self.rescored_runs]),
            np.stack([rescored.contributions for rescored in self.rescored_runs]),
            deterministic=len(self.rescored_runs) == 1
            and (self.is_simple_baseline or _is_as_published(self.runs[0].record)),
            shares=self.rescored_runs[0].shares,
        )


def model_runs(known: RunRecord, found: Sequence[tuple[Path, RunRecord]], card: TaskCard) -> ModelRuns:
    """A model's runs, by seed, their predictions read and scored by the card's main metric.

    Args:
        known: Any run of the model, on whatever task; it may have none on this one.
        found: Its runs on the task, with their folders.
        card: The task's.
    """
    analysed = [_rescored(folder, record, card) for folder, record in sorted(found, key=lambda pair: pair[1].seed)]
    return ModelRuns(
        model=known.model,
        family=known.family,
        is_simple_baseline=known.simple_baseline,
        runs=tuple(run for run, _ in analysed),
        rescored_runs=tuple(rescored for _, rescored in analysed if rescored is not None),
    )


def analysed_cells(by_model: Sequence[ModelRuns], card: TaskCard, baseline: str | None) -> tuple[Cell, ...]:
    """One cell per model, compared with all others, with the baseline and with the best simple baseline."""
    seeds = {run.record.seed for model_runs in by_model if not model_runs.is_simple_baseline for run in model_runs.runs}
    tested = {
        model_runs.model: ScoredModel(evidence, (model_runs.test_set, model_runs.units))
        for model_runs in by_model
        if (evidence := model_runs.evidence) is not None and model_runs.test_set is not None
    }
    sign = 1 if card.higher_is_better else -1
    simple = [one.model for one in by_model if one.is_simple_baseline and one.model in tested]
    best_simple = max(simple, key=lambda model: sign * tested[model].evidence.scores.mean(), default=None)
    claims = claims_about(
        tested, [model for model in tested if model not in simple or model in (best_simple, baseline)], sign
    )
    return tuple(
        replace(
            _cell(model_runs, tested.get(model_runs.model), seeds, unit_of(card.main_metric)),
            is_compared=claims.is_compared(model_runs.model),
            beaten_by=claims.beaten_by(model_runs.model),
            from_baseline=claims.difference(model_runs.model, baseline),
            from_simple_baseline=(
                None if model_runs.model in simple else claims.difference(model_runs.model, best_simple)
            ),
        )
        for model_runs in by_model
    )


def _is_as_published(record: RunRecord) -> bool:
    """Whether the run scored a language model as it was found, in which no seed plays a part."""
    training, model = record.config.get("training", {}), record.config.get("model", {})
    untouched = training.get("maximum_steps") == 0 and model.get("init") == "pretrained"
    return untouched and _scored_as_found(record.task_card.task_type)


def _scored_as_found(task_type: str) -> bool:
    """Whether models of the task type need no training to be scored; a type that this version does not know: no."""
    return task_type in TASK_TYPES.names() and bool(TASK_TYPES.load(task_type).scored_as_found)


def _rescored(folder: Path, record: RunRecord, card: TaskCard) -> tuple[Run, RescoredRun | None]:
    if record.status != "complete":
        return Run(record=record, score=None, trouble=f"{record.status}: {record.reason or 'no reason given'}"), None
    if record.is_validation_only:
        return Run(record=record, score=None, trouble="no test score: run with --validation-only"), None
    try:
        check_files(folder, record.files, PREDICTIONS)
        recorded = record.scores.get("test")
        rescored = rescore(folder, record.task_card.labels, card.main_metric, recorded=recorded)
    except UserError as error:
        otherwise = isinstance(error, NotApplicableError)
        return Run(record=record, score=None, trouble=str(error), is_not_applicable=otherwise), None
    return Run(record=record, score=rescored.score), rescored


def _cell(model_runs: ModelRuns, tested: ScoredModel | None, seeds: set[int], unit: Unit) -> Cell:
    own = {run.record.seed for run in model_runs.runs}
    scored = [run.record for run in model_runs.runs if run.score is not None]
    scores = [rescored.score for rescored in model_runs.rescored_runs]
    return Cell(
        model=model_runs.model,
        family=model_runs.family,
        is_simple_baseline=model_runs.is_simple_baseline,
        runs=model_runs.runs,
        missing_seeds=() if model_runs.is_simple_baseline else tuple(sorted(seeds - own)),
        estimate=None if tested is None else mean(tested.evidence, least=unit.least, most=unit.most),
        seed_deviation=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        examples=model_runs.rescored_runs[0].examples if model_runs.rescored_runs else 0,
        cost=_cost(scored),
    )


def _cost(records: Sequence[RunRecord]) -> Cost | None:
    if not records:
        return None
    costs = [record.cost for record in records]
    return Cost(
        train_seconds=_average([cost.seconds.get("train", 0.0) for cost in costs]),
        train_tokens_per_second=_average([cost.train_tokens_per_second for cost in costs]),
        peak_memory_bytes=_average([float(cost.peak_memory_bytes) for cost in costs]),
        parameters=_average([float(record.counts.parameters) for record in records]),
        training_flops=_average([cost.training_flops for cost in costs]),
    )


def _average(values: Sequence[float]) -> float | None:
    """The mean; None where nothing was measured, for a record writes 0 then."""
    measured = [value for value in values if value > 0]
    return float(np.mean(measured)) if measured else None
