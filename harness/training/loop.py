"""The fine-tuning loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.config.training import Training
from harness.record import CurvePoint
from harness.tokenization.items import Features, Item, length_grouped_batches
from harness.training.forward import Forward
from harness.training.optimisation import evaluation_steps
from harness.training.state import Progress, copied, load_state, model_tensors, restore, save_state
from harness.training.step import DivergedError, Learner


class Watcher(Protocol):
    """Who is told how a run gets on."""

    def stepped(self, step: int, steps: int, *, loss: float, items: int) -> None:
        """An optimiser step was taken on `items` items."""

    def evaluated(self, point: CurvePoint) -> None:
        """The validation split was scored."""


@dataclass(frozen=True)
class Validation:
    """The split that chooses the checkpoint.

    Attributes:
        features: Ready for the model.
        examples: The same, as they were read.
        scores: Metrics of the kind's outputs.
        main_metric: The one that chooses.
        higher_is_better: Whether more of it is better.
    """

    features: Features
    examples: Sequence[Any]
    scores: Callable[[Any], dict[str, float]]
    main_metric: str
    higher_is_better: bool


@dataclass(frozen=True)
class Schedule:
    """How long a run is, and when it stops to look.

    Attributes:
        training: The recipe.
        seed: Of the order of the items.
        steps: Optimiser steps in all.
        checkpoint_seconds: The state is saved when the last time is longer ago.
    """

    training: Training
    seed: int
    steps: int
    checkpoint_seconds: float


def finetune(
    learner: Learner[Forward],
    items: Sequence[Item],
    validation: Validation,
    *,
    schedule: Schedule,
    folder: Path,
    watcher: Watcher,
) -> Progress:
    """Fine-tune the learner's model, and leave in it the weights that were best on the validation split.

    By no step it stays as it is.

    A run whose state lies in `folder` continues from there as if it had never stopped.

    Raises:
        DivergedError: A loss is not finite.
    """
    progress = load_state(learner, folder)
    if schedule.steps == 0:
        return progress
    try:
        _train(learner, items, validation, progress, schedule=schedule, folder=folder, watcher=watcher)
    except DivergedError as error:
        error.curve = tuple(progress.curve)
        raise
    restore(learner.forward.model, progress.best_weights)
    return progress


def _train(
    learner: Learner[Forward],
    items: Sequence[Item],
    validation: Validation,
    progress: Progress,
    *,
    schedule: Schedule,
    folder: Path,
    watcher: Watcher,
) -> None:
    """Take the remaining steps."""
    per_epoch = len(length_grouped_batches([1] * len(items), schedule.training.batch_size, seed=0, epoch=0))
    looks = evaluation_steps(schedule.training, per_epoch, schedule.steps)
    saved = time.monotonic()
    for batch in _batches(items, schedule, start=progress.step):
        if _out_of_patience(progress, schedule.training.patience):
            break
        started = time.monotonic()
        loss = learner.step(batch)
        _count(progress, batch, loss)
        progress.seconds += time.monotonic() - started
        watcher.stepped(progress.step, schedule.steps, loss=loss, items=len(batch))
        if progress.step in looks:
            watcher.evaluated(_look(learner, validation, progress, epoch=progress.step / per_epoch))
        progress.micro_batch_size, progress.notes = learner.forward.micro_batch_size, learner.notes
        due = time.monotonic() - saved >= schedule.checkpoint_seconds and progress.step < schedule.steps
        if learner.anywhere(due):
            save_state(progress, learner, folder)
            saved = time.monotonic()


def _batches(items: Sequence[Item], schedule: Schedule, *, start: int) -> Iterator[list[Item]]:
    """The batches of the remaining steps, epoch after epoch."""
    lengths = [item.length for item in items]
    step, epoch = 0, 0
    while step < schedule.steps:
        for batch in length_grouped_batches(lengths, schedule.training.batch_size, seed=schedule.seed, epoch=epoch):
            if start <= step < schedule.steps:
                yield [items[index] for index in batch]
            step += 1
        epoch += 1


def _count(progress: Progress, batch: Sequence[Item], loss: float) -> None:
    progress.step += 1
    progress.items += len(batch)
    progress.tokens += sum(len(window.input_ids) for item in batch for window in item.windows)
    progress.loss_sum += loss * len(batch)
    progress.loss_items += len(batch)


def _look(learner: Learner[Forward], validation: Validation, progress: Progress, *, epoch: float) -> CurvePoint:
    """Score the validation split, and keep the weights if they are the best so far."""
    started = time.monotonic()
    loss, outputs = learner.forward.evaluate(validation.features, validation.examples)
    if not math.isfinite(loss):
        raise DivergedError(f"the validation loss is {loss} at step {progress.step}")
    scores = validation.scores(outputs)
    point = CurvePoint(
        step=progress.step,
        epoch=epoch,
        train_loss=progress.loss_sum / progress.loss_items,
        validation_loss=loss,
        validation_scores=scores,
    )
    best = next((known for known in progress.curve if known.step == progress.best_step), None)
    progress.curve.append(point)
    progress.loss_sum, progress.loss_items = 0.0, 0
    if best is None or _better(scores, best.validation_scores, validation):
        progress.best_step = progress.step
        progress.best_weights = copied(model_tensors(learner.forward.model))
    progress.validation_seconds += time.monotonic() - started
    return point


def _better(scores: dict[str, float], best: dict[str, float], validation: Validation) -> bool:
    """Whether the score is better than the best: any number is better than none, and none is never better."""
    new, old = scores[validation.main_metric], best[validation.main_metric]
    if math.isnan(old):
        return not math.isnan(new)
    return new > old if validation.higher_is_better else new < old


def _out_of_patience(progress: Progress, patience: int | None) -> bool:
    if patience is None:
        return False
    return sum(point.step > progress.best_step for point in progress.curve) >= patience
