"""From a task's runs to its cells: scores, intervals, differences, the tied top group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np

from harness.comparison.rescoring import JudgedOtherwiseError, Outcome, read_outcome
from harness.comparison.results import Cell, Cost, Difference, Run
from harness.comparison.statistics import SIGNIFICANCE, Estimate, Evidence, difference, holm, mean
from harness.errors import UserError
from harness.record import RunRecord, TaskCard
from harness.registry import TASK_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A model's runs on one task, by seed, with what its predictions amount to."""

    model: str
    family: str
    is_floor: bool
    runs: tuple[Run, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def test_set(self) -> str | None:
        """What the scored seeds were tested on; None where they differ, or there is none."""
        found = {outcome.test_set for outcome in self.outcomes}
        return found.pop() if len(found) == 1 else None

    @property
    def evidence(self) -> Evidence | None:
        """What the scored seeds say; None where they were not tested on the same examples, or there is none."""
        if self.test_set is None:
            return None
        return Evidence(
            np.array([outcome.score for outcome in self.outcomes]),
            np.stack([outcome.contributions for outcome in self.outcomes]),
            deterministic=len(self.outcomes) == 1 and (self.is_floor or _is_as_published(self.runs[0].record)),
        )


def entrant(known: RunRecord, found: Sequence[tuple[Path, RunRecord]], card: TaskCard) -> Entrant:
    """A model's runs, by seed, their predictions read and judged by the card's main metric.

    Args:
        known: Any run of the model, on whatever task; it may have none on this one.
        found: Its runs on the task, with their folders.
        card: The task's.
    """
    judged = [_judged_run(folder, record, card) for folder, record in sorted(found, key=lambda pair: pair[1].seed)]
    return Entrant(
        model=known.model,
        family=known.family,
        is_floor=known.simple_baseline,
        runs=tuple(run for run, _ in judged),
        outcomes=tuple(outcome for _, outcome in judged if outcome is not None),
    )


def judged_cells(entrants: Sequence[Entrant], card: TaskCard, baseline: str | None) -> tuple[Cell, ...]:
    """A cell an entrant, compared with all others, with the baseline and with the best floor."""
    seeds = {run.record.seed for entrant in entrants if not entrant.is_floor for run in entrant.runs}
    evidence = {entrant.model: found for entrant in entrants if (found := entrant.evidence) is not None}
    sets = {entrant.model: entrant.test_set for entrant in entrants}
    sign = 1 if card.higher_is_better else -1
    floors = [entrant.model for entrant in entrants if entrant.is_floor and entrant.model in evidence]
    floor = max(floors, key=lambda model: sign * evidence[model].scores.mean(), default=None)
    pairing = _Pairing(evidence, sets, sign)
    beaten_by = pairing.beaten_by()
    from_baseline = pairing.differences(baseline)
    from_floor = pairing.differences(floor, leaving_out=floors)
    return tuple(
        replace(
            _cell(entrant, evidence.get(entrant.model), seeds),
            beaten_by=beaten_by.get(entrant.model, ()),
            from_baseline=from_baseline.get(entrant.model),
            from_floor=from_floor.get(entrant.model),
        )
        for entrant in entrants
    )


def _is_as_published(record: RunRecord) -> bool:
    """Whether the run judged a language model as it was found, in which no seed plays a part."""
    training, model = record.config.get("training", {}), record.config.get("model", {})
    untouched = training.get("maximum_steps") == 0 and model.get("init") == "pretrained"
    return untouched and _judged_as_found(record.task_card.task_type)


def _judged_as_found(task_type: str) -> bool:
    """Whether models of the task type need no training to be judged; a type that this version does not know: no."""
    return task_type in TASK_TYPES.names() and bool(TASK_TYPES.load(task_type).judged_as_found)


def _judged_run(folder: Path, record: RunRecord, card: TaskCard) -> tuple[Run, Outcome | None]:
    if record.status != "complete":
        return Run(record=record, score=None, trouble=f"{record.status}: {record.reason or 'no reason given'}"), None
    if record.is_validation_only:
        return Run(record=record, score=None, trouble="no test score: run with --validation-only"), None
    try:
        recorded = record.scores.get("test")
        outcome = read_outcome(folder, record.task_card.labels, card.main_metric, recorded=recorded)
    except UserError as error:
        otherwise = isinstance(error, JudgedOtherwiseError)
        return Run(record=record, score=None, trouble=str(error), is_judged_otherwise=otherwise), None
    return Run(record=record, score=outcome.score), outcome


@dataclass(frozen=True, slots=True)
class _Pairing:
    evidence: Mapping[str, Evidence]
    test_sets: Mapping[str, str | None]
    sign: int

    def differences(self, opponent: str | None, *, leaving_out: Sequence[str] = ()) -> dict[str, Difference]:
        """Every other model's difference from `opponent`, adjusted together."""
        if opponent is None or opponent not in self.evidence:
            return {}
        others = [model for model in self.evidence if model != opponent and model not in leaving_out]
        found = {model: self._estimate(model, opponent) for model in others}
        raw = {model: e.p_value for model, e in found.items() if e is not None and e.p_value is not None}
        adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
        return {
            model: Difference(
                against=opponent,
                estimate=estimate,
                adjusted_p=adjusted.get(model),
                gain=None if estimate is None else self.sign * estimate.value,
            )
            for model, estimate in found.items()
        }

    def beaten_by(self) -> dict[str, tuple[str, ...]]:
        """The models shown to beat each one, all pairs adjusted together.

        Beside the best alone, a shaky best model would tie with everything, though steadier ones beat it clearly.
        """
        estimates = {pair: self._estimate(*pair) for pair in combinations(self.evidence, 2)}
        judged = {pair: e for pair, e in estimates.items() if e is not None and e.p_value is not None}
        adjusted = holm([cast(float, estimate.p_value) for estimate in judged.values()])
        beaten: dict[str, tuple[str, ...]] = {}
        for ((one, other), estimate), p_value in zip(judged.items(), adjusted, strict=True):
            if p_value < SIGNIFICANCE:
                winner, loser = (one, other) if self.sign * estimate.value > 0 else (other, one)
                beaten[loser] = (*beaten.get(loser, ()), winner)
        return beaten

    def _estimate(self, model: str, opponent: str) -> Estimate | None:
        if self.test_sets[model] != self.test_sets[opponent]:
            return None
        return difference(self.evidence[model], self.evidence[opponent])


def _cell(entrant: Entrant, evidence: Evidence | None, seeds: set[int]) -> Cell:
    own = {run.record.seed for run in entrant.runs}
    scored = [run.record for run in entrant.runs if run.score is not None]
    scores = [outcome.score for outcome in entrant.outcomes]
    return Cell(
        model=entrant.model,
        family=entrant.family,
        is_floor=entrant.is_floor,
        runs=entrant.runs,
        missing_seeds=() if entrant.is_floor else tuple(sorted(seeds - own)),
        estimate=None if evidence is None else mean(evidence),
        seed_deviation=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        examples=entrant.outcomes[0].examples if entrant.outcomes else 0,
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
