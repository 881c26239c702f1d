"""Fine-tune a checkpoint on a task: from splits to an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from harness.config.run import RunConfig
from harness.config.training import Training
from harness.data.splits import relabelled, texts_of
from harness.data.task import Splits, Task
from harness.long_texts.scoring import execution_notes, scoring_for
from harness.long_texts.windows import Windows
from harness.metrics.lookup import find_metric
from harness.models.family import Loaded
from harness.models.head import Head
from harness.ops.device import hardware, seed_dropout, seed_layers
from harness.ops.fast_dropout import with_fast_dropout
from harness.ops.fused_norm import with_fused_norms
from harness.record import Tokens
from harness.task_types.objective import Objective
from harness.tokenization.items import Collator, Features, Item, length_grouped_batches
from harness.tokenization.reading import Reader, reader_for
from harness.training.flops import training_flops
from harness.training.forward import Forward
from harness.training.loop import Schedule, Validation, Watcher, finetune
from harness.training.optimisation import adamw, linear_schedule, number_of_steps
from harness.training.provenance import pretraining_of
from harness.training.result import Outcome, Stopwatch, identified, judged
from harness.training.state import Progress
from harness.training.step import Learner
from harness.training.vocabulary import UsedVocabulary, decay_of, with_used_vocabulary


@dataclass(frozen=True)
class Bench:
    """Where a run takes place: devices, a folder for its state, a stopwatch, somebody who watches."""

    accelerator: Accelerator
    folder: Path
    watch: Stopwatch
    watcher: Watcher
    checkpoint_seconds: float


def finetune_model(family: Any, task: Task, splits: Splits, *, config: RunConfig, bench: Bench) -> Outcome:
    """The outcome of fine-tuning the configuration's model on the task."""
    training, accelerator = config.training, bench.accelerator
    with bench.watch("load"):
        loaded = _loaded(
            family, task.type.objective(splits.labels, training).head(), splits, config=config, accelerator=accelerator
        )
    splits, objective = relabelled(splits, loaded.labels), task.type.objective(loaded.labels, training)
    reader = reader_of(loaded, objective, training)
    with bench.watch("features"):
        train = objective.training_subset(
            objective.features(() if training.maximum_steps == 0 else splits.train, reader)
        )
        validation = objective.features(splits.validation, reader)
    vocabulary = with_used_vocabulary(
        loaded.model, _vocabulary_of([*train.items, *validation.items], objective, training)
    )
    learner, schedule = _learner(loaded, objective, train, config=config, bench=bench)
    choice = _validation(objective, validation, splits, config)
    progress = finetune(learner, train.items, choice, schedule=schedule, folder=bench.folder, watcher=bench.watcher)
    _restore(vocabulary, learner, progress)
    bench.watch.add("train", progress.seconds)
    bench.watch.add("validate", progress.validation_seconds)
    with bench.watch("validate"):
        _, outputs = learner.forward.evaluate(validation, splits.validation)
    calibration = objective.calibration(outputs, splits.validation)
    with bench.watch("test"):
        test = objective.features(splits.test, reader)
        _, judged_outputs = learner.forward.evaluate(test, splits.test)
    validated = objective.rows(outputs, splits.validation, calibration)
    rows = objective.rows(judged_outputs, splits.test, calibration)
    return Outcome(
        rows=identified(rows, splits.test, test.lengths),
        scores={
            "validation": judged(validated, config.metrics, splits.labels),
            "test": judged(rows, config.metrics, splits.labels),
        },
        labels=splits.labels,
        save=partial(_save, loaded, reader),
        curve=progress.curve,
        best_step=progress.best_step,
        calibration=calibration,
        parameters=loaded.model.num_parameters(),
        **_counted({"train": train, "validation": validation, "test": test}),
        train_tokens=progress.tokens,
        train_items=progress.items,
        training_flops=training_flops(
            loaded.model, train.items, progress.items, attended=learner.forward.scoring.attended
        ),
        hardware=hardware(accelerator),
        notes=[
            *(*loaded.notes, *execution_notes(loaded, learner.forward.scoring, training)),
            *(*objective.notes(splits.test, reader), *progress.notes),
        ],
        **_origin(loaded, config),
    )


def reader_of(loaded: Loaded, objective: Objective, training: Training) -> Reader:
    """What reads texts for the model."""
    return reader_for(
        training,
        loaded.tokenizer,
        limit=loaded.limit,
        stride=objective.stride,
        strategy=objective.strategy,
        causal=loaded.causal,
    )


def _vocabulary_of(items: Sequence[Item], objective: Objective, training: Training) -> Sequence[Item] | None:
    """What is read with the used rows of the embedding alone; None: all words are wanted, as by a language model."""
    return items if training.vocabulary == "used" and objective.head().auto_class is not None else None


def _loaded(family: Any, head: Head, splits: Splits, *, config: RunConfig, accelerator: Accelerator) -> Loaded:
    """The model on its device; seeds are set before its new layers are made, and anew for training's dropout."""
    seed_layers(config.seed)
    loaded: Loaded = family.load(
        config.model,
        head,
        labels=splits.labels,
        dropout=config.training.dropout,
        texts=lambda: texts_of(splits.train),
    )
    loaded.model.to(accelerator.device)
    with_fast_dropout(loaded.model)
    seed_dropout(config.seed, accelerator.process_index)
    return loaded


def _learner(
    loaded: Loaded, objective: Objective, train: Features, *, config: RunConfig, bench: Bench
) -> tuple[Learner[Forward], Schedule]:
    training = config.training
    per_epoch = len(length_grouped_batches([0] * len(train.items), training.batch_size, seed=0, epoch=0))
    steps = number_of_steps(training, per_epoch)
    optimizer = adamw(loaded.model, training)
    forward = forward_of(loaded, objective, bench.accelerator, training, micro_batch_size=training.micro_batch_size)
    schedule = linear_schedule(optimizer, training, steps)
    learner = Learner(forward, optimizer, schedule, training.max_grad_norm, notes=[])
    return learner, Schedule(training, config.seed, steps, bench.checkpoint_seconds)


def _restore(vocabulary: UsedVocabulary, learner: Learner[Forward], progress: Progress) -> None:
    """Give the model its whole embedding back, as it would be at the best step."""
    if vocabulary.used is not None:
        rows = vocabulary.model.get_input_embeddings().weight
        vocabulary.restore(decay_of(learner.optimizer, learner.scheduler, parameter=rows, steps=progress.best_step))


def forward_of(
    loaded: Loaded, objective: Objective, accelerator: Accelerator, training: Training, *, micro_batch_size: int
) -> Forward:
    """The loaded model, ready to score items as the recipe has them read.

    Raises:
        UserError: The recipe's memory is longer than the model's.
    """
    with_fused_norms(loaded.model)
    scoring = scoring_for(loaded, objective, accelerator, training)
    left = loaded.tokenizer.padding_side == "left" and isinstance(scoring, Windows)
    collator = Collator(loaded.pad_id, left, loaded.typed, accelerator.device)
    return Forward(loaded.model, scoring, objective, collator, accelerator, micro_batch_size)


def _validation(objective: Objective, features: Features, splits: Splits, config: RunConfig) -> Validation:
    def scores(outputs: Any) -> dict[str, float]:
        rows = objective.rows(outputs, splits.validation, objective.calibration(outputs, splits.validation))
        return judged(rows, config.metrics, splits.labels)

    main = config.metrics[0]
    return Validation(features, splits.validation, scores, main, find_metric(main).higher_is_better)


def _counted(splits: Mapping[str, Features]) -> dict[str, Any]:
    lost = {name: features.unreachable_answers for name, features in splits.items()}
    return {
        "tokens": {name: Tokens(total=sum(split.lengths), seen=split.seen) for name, split in splits.items()},
        "unreachable_answers": {name: share for name, share in lost.items() if share is not None},
    }


def _origin(loaded: Loaded, config: RunConfig) -> dict[str, Any]:
    if loaded.checkpoint is None:
        return {}
    fresh = config.model.init == "random"
    return {
        "checkpoint_digest": "" if fresh else loaded.checkpoint.digest(),
        "hub_commit": loaded.checkpoint.hub_commit,
        "pretraining": pretraining_of(loaded.checkpoint.config(), fresh=fresh),
    }


def _save(loaded: Loaded, reader: Reader, folder: Path) -> None:
    """Write a stock Hugging Face checkpoint; its tokenizer cuts texts where the reader did, and gives what it gave."""
    loaded.model.save_pretrained(folder)
    tokenizer = loaded.tokenizer
    tokenizer.model_max_length = reader.window
    names = [name for name in tokenizer.model_input_names if loaded.typed or name != "token_type_ids"]
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = names
    tokenizer.save_pretrained(folder)
