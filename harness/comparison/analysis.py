"""Analyse the runs of a task: scores, intervals, differences, and which models are shown to be behind which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.checksums import check_files
from harness.comparison.claims import ScoredModel, claims_about
from harness.comparison.clean import clean_score
from harness.comparison.collapse import is_collapsed, stands_apart
from harness.comparison.copies import originals
from harness.comparison.costs import Cost, cost_in_use, costs_of
from harness.comparison.doubts import differing_settings, doubts_of_model
from harness.comparison.folds import Analysed, by_seed, together
from harness.comparison.known_types import is_as_published, known_task_type
from harness.comparison.look import Look
from harness.comparison.margins import WithinMargin, within_margin
from harness.comparison.rescoring import NotANumberError, NotApplicableError, RescoredRun, rescore
from harness.comparison.results import COPIED, Cell, Run, RunsOfModel
from harness.comparison.selection import best_of
from harness.comparison.split import Split
from harness.comparison.statistics import SHARED_TRAINING, SIGNIFICANCE, Evidence, Floats, mean
from harness.config.margin import Margin
from harness.errors import UserError
from harness.metrics.lookup import unit_of
from harness.record import PREDICTIONS, RunRecord, TaskCard


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRuns(RunsOfModel):
    """The runs of a model on one task and their rescored predictions.

    Attributes:
        rescored_runs: Those of the runs with a score, in the same order.
        other_settings: In what the settings of its runs differ, a line for each run.
        unread: A line for each unreadable file of inference costs.
    """

    rescored_runs: tuple[RescoredRun, ...]
    other_settings: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def split(self) -> Split:
        """The test split of the first run with a score."""
        return self.rescored_runs[0].split if self.rescored_runs else Split(0)

    @property
    def test_set(self) -> str | None:
        """The test set of the scored seeds; None if they differ or there are none."""
        found = {rescored.test_set for rescored in self.rescored_runs}
        return found.pop() if len(found) == 1 else None

    @property
    def units(self) -> str | None:
        """The units that the scores are per, such as tokens of one tokenizer; its own if the seeds differ."""
        found = {rescored.units for rescored in self.rescored_runs}
        return found.pop() if len(found) == 1 else f"several, of {self.model}" if found else None

    @property
    def values(self) -> list[Floats] | None:
        """The value of each test example [examples] for each scored seed; None if the metric has no such values."""
        found = [rescored.values for rescored in self.rescored_runs if rescored.values is not None]
        return found if found and len(found) == len(self.rescored_runs) else None

    @property
    def evidence(self) -> Evidence | None:
        """The evidence of the scored seeds; None if their test examples differ or there are none."""
        return None if self.test_set is None else self._evidence(self.rescored_runs)

    @property
    def clean_evidence(self) -> Evidence | None:
        """The evidence on test examples that repeat no training example; None unless known for every seed."""
        return self._evidence(self._clean) if self._clean else None

    @property
    def clean_examples(self) -> int:
        """Number of test examples that repeat no training example; 0 unless known for every seed."""
        return self._clean[0].examples if self._clean else 0

    @property
    def _clean(self) -> list[RescoredRun]:
        clean = [rescored.clean for rescored in self.rescored_runs if rescored.clean is not None]
        is_one = len({part.test_set for part in clean}) == 1 and len(clean) == len(self.rescored_runs)
        return clean if is_one and self.test_set is not None else []

    def evidence_without_collapsed(self, card: TaskCard) -> Evidence | None:
        """The evidence of the seeds that did not collapse, if only some did and the others beat a constant answer."""
        pairs = zip(self.scored, self.rescored_runs, strict=True)
        kept = [rescored for run, rescored in pairs if not run.is_collapsed]
        constant = self.split.constant_score
        if self.test_set is None or constant is None or len(kept) in (0, len(self.rescored_runs)):
            return None
        evidence = self._evidence(kept)
        return evidence if stands_apart(evidence, constant, card) else None

    def _evidence(self, rescored_runs: Sequence[RescoredRun]) -> Evidence:
        return Evidence(
            np.array([rescored.score for rescored in rescored_runs]),
            np.stack([rescored.contributions for rescored in rescored_runs]),
            deterministic=len(rescored_runs) == 1 and (self.is_simple_baseline or is_as_published(self.runs[0].record)),
            shares=rescored_runs[0].shares,
            inflation=SHARED_TRAINING if any(run.folds for run in self.runs) else 1.0,
        )


def model_runs(
    known: RunRecord, found: Sequence[tuple[Path, RunRecord]], card: TaskCard, splits: dict[str, Split]
) -> ModelRuns:
    """Collect the runs of a model by seed, and score their predictions by the card's main metric; folds are pooled.

    Args:
        known: Any run of the model on any task; it may have none on this one.
        found: The model's runs on the task, with their folders.
        card: The task card.
        splits: Cache of test splits by digest; new ones are added.
    """

    def score(folder: Path, record: RunRecord, others: Sequence[Path]) -> Analysed:
        return _rescored(folder, record, card, splits, others)

    in_order = sorted(found, key=lambda pair: pair[1].seed)
    copies = originals(in_order)
    each = [
        (folder, (_copied(record, copies[folder]), None) if folder in copies else score(folder, record, ()))
        for folder, record in in_order
    ]
    analysed = [together(of_seed, score) for of_seed in by_seed(each)]
    in_use, unread = cost_in_use([folder for folder, _ in in_order])
    return ModelRuns(
        model=known.model,
        family=known.family,
        is_simple_baseline=known.simple_baseline,
        runs=tuple(run for run, _ in analysed),
        rescored_runs=tuple(rescored for _, rescored in analysed if rescored is not None),
        other_settings=tuple(differing_settings([record for _, record in in_order])),
        in_use=in_use,
        unread=tuple(unread),
    )


def analysed_cells(
    by_model: Sequence[ModelRuns],
    card: TaskCard,
    baseline: str | None,
    margin: Margin | None = None,
    look: Look | None = None,
) -> tuple[Cell, ...]:
    """Compute one cell per model, compared with all others, the baseline and the best simple baseline.

    Args:
        by_model: The runs of the task.
        card: The task card.
        baseline: The model that differences are taken from.
        margin: The margin of non-inferiority.
        look: The look of a sequential comparison, which sets the level of claims and intervals. Nothing is claimed
            before the first look is complete.
    """
    level = SIGNIFICANCE if look is None else look.level
    seeds = {run.record.seed for one in by_model if not one.is_simple_baseline for run in one.runs}
    tested = {one.model: scored for one in by_model if (scored := _scored(one, card)) is not None}
    sign = 1 if card.higher_is_better else -1
    simple = [one.model for one in by_model if one.is_simple_baseline and one.model in tested]
    best_simple = max(simple, key=lambda model: sign * tested[model].evidence.scores.mean(), default=None)
    family = [model for model in tested if model not in simple or model in (best_simple, baseline)]
    claims = claims_about(tested, family if look is None or look.is_whole else [], sign, level=level)
    unit = unit_of(card.main_metric)
    may_be_best = [model for model in tested if claims.is_compared(model) and not claims.beaten_by(model)]
    best = max(may_be_best, key=lambda model: sign * tested[model].evidence.scores.mean(), default=None)
    within = WithinMargin()
    if margin is not None and margin.value is not None:
        within = within_margin(claims, margin.value, baseline)
    costs = costs_of({one.model: one.scored_records for one in by_model})
    return tuple(
        replace(
            _cell(one, tested.get(one.model), seeds, card, level, costs[one.model]),
            best_of=best_of(tested, may_be_best, sign, unit, level) if one.model == best else None,
            is_compared=claims.is_compared(one.model),
            beaten_by=claims.beaten_by(one.model),
            p_behind=claims.p_behind(one.model),
            is_near_best=within.near_best.get(one.model),
            from_baseline=claims.difference(one.model, baseline, within.from_baseline.get(one.model)),
            from_simple_baseline=claims.difference(one.model, None if one.is_simple_baseline else best_simple),
        )
        for one in by_model
    )


def _scored(model_runs: ModelRuns, card: TaskCard) -> ScoredModel | None:
    evidence, test_set = model_runs.evidence, model_runs.test_set
    if evidence is None:
        return None
    assert test_set is not None, "evidence is of one test set"
    return ScoredModel(
        evidence,
        (test_set, model_runs.units),
        constant_runs=sum(rescored.is_constant for rescored in model_runs.rescored_runs),
        is_mixed=model_runs.evidence_without_collapsed(card) is not None,
        values=model_runs.values,
    )


def _copied(record: RunRecord, original: int) -> Run:
    trouble = f"a copy of seed {original}: its numbers are the same to the bit. It is not counted."
    return Run(record=record, score=None, trouble=trouble, trouble_in_short=COPIED)


def _rescored(
    folder: Path, record: RunRecord, card: TaskCard, splits: dict[str, Split], others: Sequence[Path]
) -> Analysed:
    """Score the predictions of a run; in cross-validation, together with those of the seed's `others`."""
    if record.status != "complete":
        trouble = f"{record.status}: {record.reason or 'no reason given'}"
        return Run(record=record, score=None, trouble=trouble, trouble_in_short=record.status), None
    if record.is_validation_only:
        trouble = "no test score: run with --validation-only"
        return Run(record=record, score=None, trouble=trouble, trouble_in_short="validation only"), None
    try:
        check_files(folder, record.files, PREDICTIONS)
        rescored = rescore(
            folder,
            record.task_card.labels,
            card.main_metric,
            recorded=record.scores.get("test"),
            others=others,
            task_type=None if record.simple_baseline else known_task_type(record.task_card.task_type),
            splits=splits,
        )
    except UserError as error:
        otherwise = isinstance(error, NotApplicableError)
        short = "with an infinite or undefined score" if isinstance(error, NotANumberError) else "without a score"
        trouble = str(error)
        return Run(
            record=record, score=None, trouble=trouble, trouble_in_short=short, is_not_applicable=otherwise
        ), None
    has_collapsed = not record.simple_baseline and is_collapsed(rescored, higher_is_better=card.higher_is_better)
    return Run(record=record, score=rescored.score, is_collapsed=has_collapsed, folder=folder), rescored


def _cell(
    model_runs: ModelRuns,
    tested: ScoredModel | None,
    seeds: set[int],
    card: TaskCard,
    level: float,
    cost: Cost | None,
) -> Cell:
    unit = unit_of(card.main_metric)
    own = {run.record.seed for run in model_runs.runs}
    scores = [rescored.score for rescored in model_runs.rescored_runs]
    kept = model_runs.evidence_without_collapsed(card)
    estimate = None if tested is None else mean(tested.evidence, least=unit.least, most=unit.most, miss=level)
    if estimate is not None and kept is not None:
        estimate = replace(estimate, low=None, high=None)
    missing = () if model_runs.is_simple_baseline else tuple(sorted(seeds - own))
    return Cell(
        model=model_runs.model,
        family=model_runs.family,
        is_simple_baseline=model_runs.is_simple_baseline,
        runs=model_runs.runs,
        missing_seeds=missing,
        estimate=estimate,
        without_collapsed=None if kept is None else mean(kept, least=unit.least, most=unit.most, miss=level),
        seed_deviation=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        examples=model_runs.split.examples,
        clusters=model_runs.split.effective_clusters,
        clean=clean_score(model_runs.clean_evidence, model_runs.clean_examples, unit, level, is_mixed=kept is not None),
        doubts=doubts_of_model(model_runs.runs, missing, has_other_settings=bool(model_runs.other_settings)),
        cost=cost,
        in_use=model_runs.in_use,
    )
