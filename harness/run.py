"""One run from start to finish: data, model, fine-tuning, judgement, record. Read this first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.cell import CHECKPOINT, STATE, Cell
from harness.config import task_of
from harness.data.splits import limited
from harness.engine.card import model_card
from harness.engine.device import fresh_accelerator, hardware, peak_memory_bytes, processes, reset_peak_memory
from harness.engine.finetuning import Bench, finetune_model
from harness.engine.floor import fit_floor
from harness.engine.learner import DivergedError
from harness.engine.loop import Watcher
from harness.engine.outcome import Outcome, Stopwatch
from harness.engine.provenance import data_digest, git_state, package_versions
from harness.engine.tracking import tracked
from harness.record import Cost, Counts, Provenance, RunRecord, TaskCard, write_predictions
from harness.registry import FAMILIES, TASKS
from tasks.metrics import metric
from tasks.task import Splits, Task


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what: nothing here changes a result.

    Attributes:
        redo: Replace what an earlier run left.
        track: One of accelerate's trackers, such as "tensorboard".
        checkpoint_seconds: How often the state of a run under way is saved.
    """

    redo: bool = False
    track: str | None = None
    checkpoint_seconds: float = 120.0


def run(cell: Cell, options: Options, watcher: Watcher) -> RunRecord:
    """Do the cell's run, or finish it, and leave its record, predictions and checkpoint in its folder.

    A loss that is not finite is a result too: a record that says so.

    Raises:
        UserError: The data or the checkpoint can't be had, or they don't fit.
    """
    started, watch, together = now(), Stopwatch(), processes()
    reset_peak_memory()
    task = task_of(cell.config)
    with watch("load"):
        splits = limited(task.load(), cell.config.training)
    if together.is_main_process:
        cell.begin(redo=options.redo)
    together.wait_for_everyone()
    reason, outcome = "", None
    try:
        outcome = _learnt(cell, task, splits, options=options, watcher=watcher, watch=watch)
    except DivergedError as error:
        reason = str(error)
    record = blank_record(cell, task)
    record = record.model_copy(update=_facts(record, splits, outcome, started=started))
    if outcome is None:
        record = record.model_copy(update={"status": "diverged", "reason": reason})
    elif together.is_main_process:
        with watch("save"):
            _keep(outcome, record, cell.partial)
    record = record.model_copy(update={"cost": _cost(outcome, watch)})
    if together.is_main_process:
        cell.finish(record)
    together.wait_for_everyone()
    return record


def _learnt(cell: Cell, task: Task, splits: Splits, *, options: Options, watcher: Watcher, watch: Stopwatch) -> Outcome:
    """Fit a floor, or fine-tune a model."""
    assert cell.config.model.family is not None, "the family is resolved before a run begins"
    family = FAMILIES.load(cell.config.model.family)
    if hasattr(family, "fit"):
        return fit_floor(family, task, splits, config=cell.config, watch=watch)
    accelerator = fresh_accelerator(cell.config.training.precision, tracker=options.track, folder=cell.folder)
    facts = {"task": cell.config.task, "model": cell.model, "seed": str(cell.config.seed)}
    with tracked(watcher, accelerator, name=cell.suite, facts=facts) as told:
        bench = Bench(accelerator, cell.partial / STATE, watch, told, options.checkpoint_seconds)
        return finetune_model(family, task, splits, config=cell.config, bench=bench)


def blank_record(cell: Cell, task: Task | None) -> RunRecord:
    """The cell's record with nothing measured yet."""
    config = cell.config
    main = config.metrics[0]
    card = TaskCard(kind=task.kind if task else "", main_metric=main, higher_is_better=metric(main).higher_is_better)
    if task is not None:
        description = TASKS.description(config.task) if config.own is None else "A user's own data."
        card = card.model_copy(update={"description": description, "licence": task.licence, "citation": task.citation})
    return RunRecord(
        status="complete",
        suite=cell.suite,
        task=config.task,
        model=cell.model,
        family=config.model.family or "",
        seed=config.seed,
        task_card=card,
        config=config.resolved(),
        provenance=Provenance(hardware=hardware(None)),
    )


def _facts(record: RunRecord, splits: Splits, outcome: Outcome | None, *, started: str) -> dict[str, object]:
    commit, dirty = git_state()
    provenance = Provenance(
        data_digest=data_digest(splits),
        packages=package_versions(),
        git_commit=commit,
        git_dirty=dirty,
        hardware=hardware(None),
        started=started,
        finished=now(),
    )
    examples = {"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    counts = Counts(examples=examples, dropped=dict(splits.dropped))
    if outcome is None:
        return {"provenance": provenance, "counts": counts}
    found = {"checkpoint_digest": outcome.checkpoint_digest, "hub_commit": outcome.hub_commit}
    return {
        "scores": outcome.scores,
        "task_card": record.task_card.model_copy(update={"labels": outcome.labels}),
        "calibration": outcome.calibration,
        "curve": tuple(outcome.curve),
        "best_step": outcome.best_step,
        "counts": counts.model_copy(update={"parameters": outcome.parameters, "tokens": outcome.tokens}),
        "provenance": provenance.model_copy(update={**found, "hardware": outcome.hardware or provenance.hardware}),
        "notes": tuple(outcome.notes),
    }


def _cost(outcome: Outcome | None, watch: Stopwatch) -> Cost:
    seconds = watch.seconds.get("train", 0.0)
    trained = outcome is not None and seconds > 0
    return Cost(
        seconds=watch.seconds,
        train_tokens_per_second=outcome.train_tokens / seconds if outcome and trained else 0.0,
        train_examples_per_second=outcome.train_items / seconds if outcome and trained else 0.0,
        peak_memory_bytes=peak_memory_bytes(),
        training_flops=outcome.training_flops if outcome else 0.0,
    )


def _keep(outcome: Outcome, record: RunRecord, folder: Path) -> None:
    checkpoint = folder / CHECKPOINT
    checkpoint.mkdir(exist_ok=True)
    outcome.save(checkpoint)
    (checkpoint / "README.md").write_text(model_card(record), encoding="utf-8")
    write_predictions(outcome.rows, folder)


def now() -> str:
    """The time, in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
