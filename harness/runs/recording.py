"""From a cell and what came out of it to its record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from harness.data.task import Splits, Task
from harness.metrics.lookup import find_metric
from harness.ops.device import hardware, peak_memory_bytes
from harness.record import Cost, Counts, Provenance, RunRecord, Status, TaskCard
from harness.registry import TASKS, is_simple_baseline
from harness.runs.run import Cell
from harness.training.provenance import data_digest, git_state, package_versions
from harness.training.result import Outcome, Stopwatch
from harness.training.step import DivergedError


def run_record(cell: Cell, task: Task, splits: Splits, outcome: Outcome | DivergedError, *, started: str) -> RunRecord:
    """The record of a run, its cost left out: complete, or diverged with the curve until then."""
    examples = {"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    counts = Counts(examples=examples, dropped=dict(splits.dropped))
    origin = _provenance(splits, started)
    card = _task_card(cell, task)
    if isinstance(outcome, DivergedError):
        facts = {"reason": str(outcome), "curve": tuple(outcome.curve), "counts": counts, "provenance": origin}
        return _record(cell, card, "diverged", **facts)
    weights = {
        "checkpoint_digest": outcome.checkpoint_digest,
        "hub_commit": outcome.hub_commit,
        "pretraining": outcome.pretraining,
    }
    machine = {"hardware": outcome.hardware or origin.hardware}
    return _record(
        cell,
        card.model_copy(update={"labels": outcome.labels}),
        "complete",
        scores=outcome.scores,
        calibration=outcome.calibration,
        curve=tuple(outcome.curve),
        best_step=outcome.best_step,
        counts=counts.model_copy(
            update={
                "parameters": outcome.parameters,
                "tokens": outcome.tokens,
                "unreachable_answers": outcome.unreachable_answers,
            }
        ),
        provenance=origin.model_copy(update={**weights, **machine}),
        notes=tuple(outcome.notes),
    )


def failed_record(cell: Cell, reason: str) -> RunRecord:
    """The record of a run that an error ended; nothing was measured."""
    main = cell.config.metrics[0]
    card = TaskCard(task_type="", main_metric=main, higher_is_better=find_metric(main).higher_is_better)
    return _record(cell, card, "failed", reason=reason, provenance=Provenance(hardware=hardware(None)))


def with_cost(record: RunRecord, outcome: Outcome | DivergedError, watch: Stopwatch) -> RunRecord:
    """The record with what the run took so far."""
    seconds = watch.seconds.get("train", 0.0)
    cost = Cost(seconds=watch.seconds, peak_memory_bytes=peak_memory_bytes())
    if isinstance(outcome, Outcome) and seconds > 0:
        speed = {
            "train_tokens_per_second": outcome.train_tokens / seconds,
            "train_examples_per_second": outcome.train_items / seconds,
            "training_flops": outcome.training_flops,
        }
        cost = cost.model_copy(update=speed)
    return record.model_copy(update={"cost": cost})


def now() -> str:
    """The time, in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _record(cell: Cell, card: TaskCard, status: Status, **facts: Any) -> RunRecord:
    assert cell.config.model.family is not None, "the family is resolved before a run begins"
    return RunRecord(
        status=status,
        suite=cell.suite,
        task=cell.config.task,
        model=cell.model,
        family=cell.config.model.family,
        simple_baseline=is_simple_baseline(cell.config.model.family),
        seed=cell.config.seed,
        task_card=card,
        config=cell.config.resolved(),
        **facts,
    )


def _task_card(cell: Cell, task: Task) -> TaskCard:
    main = cell.config.metrics[0]
    return TaskCard(
        task_type=task.task_type,
        main_metric=main,
        higher_is_better=find_metric(main).higher_is_better,
        description="A user's own data." if cell.config.local else TASKS.description(TASKS.entry(cell.config.task)),
        licence=task.licence,
        citation=task.citation,
    )


def _provenance(splits: Splits, started: str) -> Provenance:
    commit, dirty = git_state()
    return Provenance(
        data_digest=data_digest(splits),
        packages=package_versions(),
        git_commit=commit,
        git_dirty=dirty,
        hardware=hardware(None),
        started=started,
        finished=now(),
    )
