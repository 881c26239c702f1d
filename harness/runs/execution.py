"""Execute a run from start to finish: data, model, fine-tuning, evaluation, record. Read this first."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from harness.checksums import file_digest, folder_digests
from harness.config.run import LocalData, RunConfig, limited_splits, task_of
from harness.data.task import Splits, Task
from harness.errors import UserError
from harness.fold import Fold
from harness.metrics.lookup import check_labels
from harness.ops.collector import pass_over_what_came_since
from harness.ops.device import fresh_accelerator, reset_peak_memory
from harness.ops.others import others_share
from harness.ops.together import Together, processes
from harness.record import PREDICTIONS, Measurements, RunRecord, write_predictions
from harness.registry import FAMILIES
from harness.runs.card import model_card
from harness.runs.content import check_unchanged
from harness.runs.options import Options
from harness.runs.recording import complete_record, diverged_record, ended, measured_before_training, now
from harness.runs.run import CHECKPOINT, STATE, Run
from harness.runs.run_splits import is_scored_as_found, whole_splits
from harness.training.baseline import fit_baseline
from harness.training.callbacks import Callbacks
from harness.training.result import Stopwatch, TrainingResult
from harness.training.run_context import RunContext
from harness.training.tracking import tracked
from harness.training.trainer import DivergedError

CARD = "README.md"
_last_loaded: dict[tuple[str, str, LocalData | None, Fold | None, str, bool], Splits] = {}


def execute(run: Run, options: Options, callbacks: Callbacks) -> RunRecord:
    """Execute or continue a run, and write record, predictions and checkpoint; for a tuning trial only the record.

    A loss that is not finite is recorded as a result.

    Raises:
        UserError: If the data or the checkpoint is not available, they do not fit, or files have changed since the run
            was planned.
    """
    together = processes()
    with others_share(together.num_processes) as others:
        return _executed(run, options, callbacks, together, others)


def _executed(
    run: Run, options: Options, callbacks: Callbacks, together: Together, others: Callable[[], float]
) -> RunRecord:
    """Execute the run. `others` returns how many processors other work has used since it began."""
    started, watch = now(), Stopwatch(together.num_processes)
    reset_peak_memory()
    task = task_of(run.config)
    with watch("load"):
        splits = limited_splits(_loaded(task, run.config), run.config)
        check_unchanged(run.config)
    check_labels(run.config.metrics, splits.labels)
    if together.is_main_process:
        run.begin(redo=options.redo)
    together.wait_for_everyone()
    known = measured_before_training(task, splits, run.config, started=started, command=options.command)
    accelerator = _accelerator(run, options)
    with tracked(callbacks, accelerator, project=run.suite, run=str(run), settings=_settings(run)) as tracking:
        try:
            result = _trained(
                run, task, splits, accelerator, options=options, callbacks=tracking, watch=watch, known=known
            )
        except DivergedError as error:
            record = diverged_record(run, task, known, error)
        else:
            record = complete_record(run, task, result)
            if together.is_main_process and run.trial is None:
                with watch("save"):
                    record = _saved(result, record, run.partial)
        record = ended(record, watch, others())
        if together.is_main_process:
            tracking.log_end(record, _intervals(run, record, options))
    if together.is_main_process:
        run.finish(record)
    together.wait_for_everyone()
    return record


def _loaded(task: Task, config: RunConfig) -> Splits:
    """Load the task's splits, which nobody may change: they are cached, as the next run is usually on the same task.

    Raises:
        UserError: If the data can't be read, or is not what the run was planned with.
    """
    untrained = is_scored_as_found(task, config)
    key = (config.base_task, config.data, config.local, config.fold, config.evaluate, untrained)
    if key not in _last_loaded:
        _last_loaded.clear()  # First, because memory may not suffice for both.
        splits = whole_splits(task, config, test=config.evaluate == "test")
        if task.source.fingerprint() != config.data:  # Hours may lie between.
            raise UserError(f"{config.task}: its data has changed since the run was planned. Run the command again.")
        _last_loaded[key] = splits
    return _last_loaded[key]


def _accelerator(run: Run, options: Options) -> Accelerator | None:
    """Return the accelerator, with trackers; None for a simple baseline without trackers."""
    if not run.config.model.is_simple_baseline:
        return fresh_accelerator(run.config.training.precision, tracker=options.track, folder=run.folder)
    return None if options.track is None else fresh_accelerator("fp32", tracker=options.track, folder=run.folder)


def _settings(run: Run) -> dict[str, Any]:
    """Return the configuration and model name for trackers."""
    config = run.config.resolved()
    return {**config, "model": {"name": run.model, **config["model"]}}


def _intervals(run: Run, record: RunRecord, options: Options) -> Mapping[str, tuple[float, float]]:
    """Return intervals of the test scores for trackers."""
    if options.track is None or options.intervals is None or PREDICTIONS not in record.files:
        return {}
    return options.intervals(run.partial, record)


def _trained(
    run: Run,
    task: Task,
    splits: Splits,
    accelerator: Accelerator | None,
    *,
    options: Options,
    callbacks: Callbacks,
    watch: Stopwatch,
    known: Measurements,
) -> TrainingResult:
    """Fit a simple baseline, or fine-tune a model."""
    family = FAMILIES.load(run.config.model.resolved_family)
    if run.config.model.is_simple_baseline:
        return fit_baseline(family, task, splits, config=run.config, watch=watch, known=known)
    assert accelerator is not None, "it is made for all but simple baselines"
    context = RunContext(accelerator, run.partial / STATE, watch, callbacks, options.checkpoint_seconds, known)
    return _finetuning()(family, task, splits, config=run.config, context=context)


@cache
def _finetuning() -> Callable[..., TrainingResult]:
    """Import fine-tuning, which takes longer than most simple baselines, only when needed."""
    from harness.training.finetuning import finetune_model  # noqa: PLC0415 -- transformers' models: seconds

    pass_over_what_came_since()
    return finetune_model


def _saved(result: TrainingResult, record: RunRecord, folder: Path) -> RunRecord:
    """Write checkpoint and predictions, and add their digests to the record."""
    checkpoint = folder / CHECKPOINT
    shutil.rmtree(checkpoint, ignore_errors=True)  # Left by a process that was killed here.
    checkpoint.mkdir()
    result.save(checkpoint)
    (checkpoint / CARD).write_text(model_card(record), encoding="utf-8")
    left = {f"{CHECKPOINT}/{name}": digest for name, digest in folder_digests(checkpoint, leave_out=(CARD,)).items()}
    if result.rows:
        write_predictions(result.rows, folder)
        left[PREDICTIONS] = file_digest(folder / PREDICTIONS)
    return record.model_copy(update={"files": left})
