"""Make records from runs and their measurements."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.config.run import RunConfig
from harness.data.task import Splits, Task
from harness.metrics.lookup import find_metric
from harness.ops.device import hardware, peak_memory_bytes
from harness.record import Counts, Measurements, Provenance, RunRecord, Status, TaskCard
from harness.registry import TASKS
from harness.runs.run import Run
from harness.training.provenance import data_digest, git_state, package_versions
from harness.training.result import Stopwatch, TrainingResult
from harness.training.trainer import DivergedError

VALIDATION_ONLY = "validation only: no test split was read, so training rows that repeat it were not left out"


def measured_before_training(
    task: Task, splits: Splits, config: RunConfig, *, started: str, command: tuple[str, ...] = ()
) -> Measurements:
    """What is known about a run before training: numbers of examples, and provenance."""
    sizes = {"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    commit, dirty = git_state()
    return Measurements(
        counts=Counts(
            examples={split: size for split, size in sizes.items() if size},
            dropped=dict(splits.dropped),
            rare_label=task.type.rare_label(splits),
        ),
        provenance=Provenance(
            data_digest=data_digest(splits),
            packages=package_versions(),
            git_commit=commit,
            git_dirty=dirty,
            hardware=hardware(None),
            started=started,
            command=command,
        ),
        notes=(*splits.notes, *([VALIDATION_ONLY] if config.evaluate == "validation" else [])),
    )


def complete_record(run: Run, task: Task, result: TrainingResult) -> RunRecord:
    """The record of a completed run; its total cost is added by `ended`."""
    card = _task_card(run, task).model_copy(update={"labels": result.labels})
    return _record(run, card, "complete", result.measurements)


def diverged_record(run: Run, task: Task, known: Measurements, error: DivergedError) -> RunRecord:
    """The record of a run with a non-finite loss, with the curve until then."""
    measurements = known.model_copy(update={"curve": tuple(error.curve)})
    return _record(run, _task_card(run, task), "diverged", measurements, reason=str(error))


def failed_record(run: Run, reason: str) -> RunRecord:
    """The record of a run that failed with an error, without measurements."""
    main = run.config.metrics[0]
    card = TaskCard(task_type="", main_metric=main, higher_is_better=find_metric(main).higher_is_better)
    known = Measurements(provenance=Provenance(hardware=hardware(None)))
    return _record(run, card, "failed", known, reason=reason)


def ended(record: RunRecord, watch: Stopwatch, others: float) -> RunRecord:
    """Add to the record the run's total cost, the number of CPUs kept busy by other processes, and when it ended."""
    total = {
        "seconds": watch.seconds,
        "processor_seconds": watch.processor_seconds,
        "others": round(others, 2),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    return record.model_copy(
        update={
            "cost": record.cost.model_copy(update=total),
            "provenance": record.provenance.model_copy(update={"finished": now()}),
        }
    )


def now() -> str:
    """The current time in UTC, in ISO 8601 format."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _record(run: Run, card: TaskCard, status: Status, measurements: Measurements, *, reason: str = "") -> RunRecord:
    return RunRecord(
        status=status,
        reason=reason,
        suite=run.suite,
        task=run.config.task,
        model=run.model,
        family=run.config.model.resolved_family,
        simple_baseline=run.config.model.is_simple_baseline,
        seed=run.config.seed,
        fold=run.config.fold,
        varied=run.config.varied,
        task_card=card,
        config=run.config.resolved(),
        trial=run.trial,
        tuning=run.tuning,
        **dict(measurements),
    )


def _task_card(run: Run, task: Task) -> TaskCard:
    main = run.config.metrics[0]
    return TaskCard(
        task_type=task.task_type,
        main_metric=main,
        higher_is_better=find_metric(main).higher_is_better,
        description="A user's own data." if run.config.local else TASKS.description(TASKS.entry(run.config.base_task)),
        licence=task.licence,
        citation=task.citation,
    )
