"""Fine-tune a checkpoint on a task: load, encode, train, evaluate. Read this first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from harness.config.run import RunConfig
from harness.data.task import Splits, Task
from harness.long_texts.scoring import scoring_for
from harness.metrics.lookup import find_metric
from harness.models.adapters import Adapters, has_adapters, merge_adapters
from harness.models.loaded import Loaded
from harness.models.weights import OWN_HEAD
from harness.task_types.objective import Objective
from harness.tokenization.items import Item
from harness.training.adaptation import Adapted, adapt
from harness.training.compiled import compile_training
from harness.training.evaluation import Predicted, evaluate, scored
from harness.training.forward import Forward
from harness.training.loop import TrainingPlan, Validation, batches, finetune
from harness.training.measuring import measured
from harness.training.optimisation import (
    learning_rates,
    make_optimizer,
    make_scheduler,
    peak_of,
    trains_used_rows_exactly,
    unused_rows_decay,
)
from harness.training.probing import probe
from harness.training.progress import Progress
from harness.training.result import TrainingResult
from harness.training.run_context import RunContext
from harness.training.sampling import with_sample_attention
from harness.training.sharding import check_shardable, gathered, shard, shards_asked
from harness.training.task_model import TaskModel, forward_of, load_task_model
from harness.training.trainer import Trainer
from harness.training.vocabulary import with_used_vocabulary

ADAPTER = "adapter"  # A subfolder of the checkpoint, because transformers would load peft's files beside the model's.


def finetune_model(
    family: Any, task: Task, splits: Splits, *, config: RunConfig, context: RunContext
) -> TrainingResult:
    """Fine-tune the model of the configuration on the task.

    Raises:
        UserError: If the checkpoint is not available or does not fit.
        DivergedError: If a loss is not finite.
    """
    with context.watch("load"):
        model = load_task_model(family, task, splits, config=config, accelerator=context.accelerator)
    with context.watch("features"):
        model.features("train")
        model.features("validation")
    if model.training.method == "probe":
        return probe(model, task, config, context)
    trained = _trained(model, config, context)
    forward, progress = trained.forward, trained.progress
    context.watch.add("train", progress.seconds, progress.processor_seconds)
    context.watch.add("validate", progress.validation_seconds, progress.validation_processor_seconds)

    def predict(split: str) -> Predicted:
        features = model.features(split)
        if split == "validation" and trained.validated is not None:
            return Predicted(trained.validated, features.lengths)
        _, outputs = forward.evaluate(features, getattr(model.splits, split))
        return Predicted(outputs, features.lengths)

    found = evaluate(predict, model.objective, model.splits, config=config, watch=context.watch)
    measurements = measured(
        context.known, model, forward, progress, adapted=trained.adapted, found=found, config=config
    )

    rows = found.rows
    if rows:
        with context.watch("save"):
            rows = with_sample_attention(rows, model, task, context.accelerator)

    # All processes contribute their part of a sharded model; only the main one saves.
    whole = gathered(model.loaded.model, context.accelerator) if forward.is_sharded else None

    def save(folder: Path) -> None:
        model.save(folder, whole)
        if trained.adapters is not None:
            trained.adapters.save(model.loaded.model, folder / ADAPTER)

    return TrainingResult(measurements, model.splits.labels, rows, save)


@dataclass(frozen=True)
class _Trained:
    """A trained model.

    Attributes:
        forward: The model with the weights that are kept.
        progress: How training went.
        adapted: What was trained.
        adapters: Trained adapters, which are already merged into the model.
        validated: The validation split's outputs with these same weights, where training has computed them; else None.
    """

    forward: Forward
    progress: Progress
    adapted: Adapted
    adapters: Adapters | None
    validated: Any


def _trained(model: TaskModel, config: RunConfig, context: RunContext) -> _Trained:
    adapted = adapt(model.loaded.model, model.training, config.seed)
    is_sharded = shards_asked(context.accelerator)
    if is_sharded:
        _shard(model, context.accelerator)
    vocabulary = with_used_vocabulary(model.loaded.model, None if is_sharded else _items_read(model))
    objective = _learnt(model)
    plan = _plan(model, objective, config, context)
    trainer = _trainer(model, objective, plan, context.accelerator, frozen=adapted.frozen)
    trainer.forward.is_sharded = is_sharded
    if model.training.compile and plan.steps:
        with context.watch("train"):
            items = model.features("train").items
            graphed = items if model.training.compile == "cuda_graphs" else None
            compile_training(trainer, next(batches(items, plan, start=0)), graphed=graphed)
    progress = finetune(
        trainer,
        model.features("train").items,
        _validation(model, objective, config),
        plan=plan,
        folder=context.folder,
        callbacks=context.callbacks,
    )
    adapters = _merged(model.loaded)
    objective.finish(model.loaded.model)
    progress.notes += objective.learnt_notes()
    trainer.forward.objective = model.objective
    trainer.forward.scoring = scoring_for(model.loaded, model.objective, context.accelerator, model.training)
    if vocabulary.used is not None:
        peak = peak_of(trainer.optimizer, model.loaded.model.get_input_embeddings().weight)
        vocabulary.restore(unused_rows_decay(model.training, steps=plan.steps, taken=progress.best_step, peak=peak))
    is_changed = adapters is not None or objective is not model.objective
    return _Trained(trainer.forward, progress, adapted, adapters, None if is_changed else progress.best_outputs)


def _shard(model: TaskModel, accelerator: Accelerator) -> None:
    """Shard the model over the processes, if the recipe allows it."""
    rescaled = type(model.objective).finish is not Objective.finish
    read = [model.features(split) for split in ("train", "validation", "test") if getattr(model.splits, split)]
    check_shardable(
        model.training,
        is_unpadded=model.loaded.unpadded,
        answers_in_units=rescaled,
        writes=model.objective.head().generation is not None,
        most_windows=max(len(item.windows) for features in read for item in features.items),
    )
    shard(model.loaded.model, accelerator)


def _merged(loaded: Loaded) -> Adapters | None:
    """Merge the adapters into the model and return them, if there are any."""
    if not has_adapters(loaded.model):
        return None
    return merge_adapters(loaded.model, checkpoint=loaded.checkpoint.name if loaded.checkpoint else None)


def _learnt(model: TaskModel) -> Objective:
    """Return the objective for training, unless the model is only scored."""
    if model.training.maximum_steps == 0:
        return model.objective
    own_head = OWN_HEAD in model.loaded.notes
    return model.objective.for_training(model.loaded.model, model.splits.train, has_own_head=own_head)


def _items_read(model: TaskModel) -> Sequence[Item] | None:
    """Return the items whose tokens decide which embedding rows are used; None to train all rows."""
    if not model.wants_used_rows or not trains_used_rows_exactly(model.training):
        return None
    return [*model.features("train").items, *model.features("validation").items]


def _plan(model: TaskModel, objective: Objective, config: RunConfig, context: RunContext) -> TrainingPlan:
    training, items = config.training, len(model.features("train").items)
    steps = training.steps(math.ceil(items / training.batch_size))
    return TrainingPlan(
        training, config.seed, steps, context.checkpoint_seconds, objective.output_names or model.splits.labels
    )


def _trainer(
    model: TaskModel,
    objective: Objective,
    plan: TrainingPlan,
    accelerator: Accelerator,
    *,
    frozen: Sequence[nn.Module],
) -> Trainer[Forward]:
    training = model.training
    optimizer = make_optimizer(model.loaded.model, training, learning_rates(model.loaded.model, training))
    forward = forward_of(model.loaded, objective, accelerator, training, micro_batch_size=training.micro_batch_size)
    scheduler = make_scheduler(optimizer, training, plan.steps)
    return Trainer(forward, optimizer, scheduler, training.max_grad_norm, notes=[], frozen=frozen)


def _validation(model: TaskModel, objective: Objective, config: RunConfig) -> Validation:
    examples, main = model.splits.validation, objective.chosen_by(config.metrics)
    metrics = tuple(dict.fromkeys((*config.metrics, main)))

    def scores(outputs: Any) -> dict[str, float]:
        rows = objective.rows(outputs, examples, objective.calibration(outputs, examples))
        return scored(rows, metrics, model.splits.labels)

    return Validation(model.features("validation"), examples, scores, main, find_metric(main).higher_is_better)
