"""The fine-tuning loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from harness.config.training import Training
from harness.errors import UserError
from harness.ops.stopping import StopRequest, stop_request
from harness.ops.together import processes
from harness.record import CurvePoint
from harness.tokenization.items import Features, Item, length_grouped_batches
from harness.training.callbacks import Callbacks
from harness.training.forward import Forward
from harness.training.optimisation import evaluation_steps
from harness.training.progress import Progress
from harness.training.state import copied, load_state, model_tensors, restore, save_state
from harness.training.trainer import DivergedError, Trainer

STOPPING = "Stopping: the step ends and the state is saved. Ctrl-C once more stops at once."


@dataclass(frozen=True)
class Validation:
    """The split that chooses the checkpoint.

    Attributes:
        features: The encoded split.
        examples: The examples of the split.
        scores: Computes metrics from the outputs of the task type.
        main_metric: The metric that chooses the checkpoint.
        higher_is_better: Whether more of the metric is better.
    """

    features: Features
    examples: Sequence[Any]
    scores: Callable[[Any], dict[str, float]]
    main_metric: str
    higher_is_better: bool


@dataclass(frozen=True)
class TrainingPlan:
    """The length of a run, and how often its state is saved.

    Attributes:
        training: The training settings.
        seed: The random seed of the data order.
        steps: Total number of optimizer steps.
        checkpoint_seconds: Minimum number of seconds between two saved states.
        labels: The meaning of the model's outputs. A state with other labels is refused, because its weights would
            predict those.
    """

    training: Training
    seed: int
    steps: int
    checkpoint_seconds: float
    labels: tuple[str, ...] = ()


def finetune(
    trainer: Trainer[Forward],
    items: Sequence[Item],
    validation: Validation,
    *,
    plan: TrainingPlan,
    folder: Path,
    callbacks: Callbacks,
) -> Progress:
    """Fine-tune the trainer's model, and set it to the best weights on the validation split, or to the last ones.

    With zero steps, the model does not change. If `folder` holds the state of an interrupted run, training continues
    from there to the same result.

    Raises:
        UserError: If the state has other labels, another order of labels, or other batches.
        DivergedError: If a loss is not finite.
        KeyboardInterrupt: If a stop is asked for; the state is saved.
    """
    progress = load_state(trainer, folder, plan.labels)
    _check_batches(progress, items, folder)
    if plan.steps == 0:
        return progress
    try:
        with stopped_between_steps(trainer) as stop:
            _steps(trainer, items, validation, progress, plan=plan, folder=folder, callbacks=callbacks, stop=stop)
    except DivergedError as error:
        error.curve = tuple(progress.curve)
        raise
    restore(trainer.forward.model, progress.best_weights)
    return progress


@contextmanager
def stopped_between_steps(trainer: Trainer[Any]) -> Iterator[StopRequest]:
    """Yield whether a stop was asked for, which the steps in the block look at.

    Raises:
        KeyboardInterrupt: If it was asked for too late for a step: the next command continues from the last state.
    """
    with stop_request(STOPPING if processes().is_main_process else "") as stop:
        yield stop
        if trainer.anywhere(stop.is_made):
            raise KeyboardInterrupt


def _steps(
    trainer: Trainer[Forward],
    items: Sequence[Item],
    validation: Validation,
    progress: Progress,
    *,
    plan: TrainingPlan,
    folder: Path,
    callbacks: Callbacks,
    stop: StopRequest,
) -> None:
    per_epoch = math.ceil(len(items) / plan.training.batch_size)
    evaluated_at = evaluation_steps(plan.training, per_epoch, plan.steps)
    saved = time.monotonic()
    for batch in batches(items, plan, start=progress.step):
        if _out_of_patience(progress, plan.training.patience):
            break
        started, processor = time.monotonic(), time.process_time()
        loss = trainer.step(batch)
        _count(progress, batch, loss)
        callbacks.on_step(progress.step, plan.steps, loss=loss, items=len(batch))
        is_time = time.monotonic() - saved >= plan.checkpoint_seconds and progress.step < plan.steps
        due = trainer.anywhere(is_time or stop.is_made)
        if progress.step in evaluated_at or due:
            progress.read_loss()  # Reading the loss waits for the GPU, so that its time is counted.
        progress.seconds += time.monotonic() - started
        progress.processor_seconds += time.process_time() - processor
        if progress.step in evaluated_at:
            keeps_last = plan.training.keep == "last"
            callbacks.on_evaluate(
                _evaluate(trainer, validation, progress, epoch=progress.step / per_epoch, keeps_last=keeps_last)
            )
            due = trainer.anywhere(due or stop.is_made)
        progress.micro_batch_size, progress.notes = trainer.forward.micro_batch_size, trainer.notes
        if due:
            save_state(progress, trainer, folder)
            saved = time.monotonic()
            if trainer.anywhere(stop.is_made):
                raise KeyboardInterrupt


def _check_batches(progress: Progress, items: Sequence[Item], folder: Path) -> None:
    """Refuse to continue with other batches than the run was started with: no other run could reproduce the result.

    Earlier versions did not record the lengths that batches are made from, and used only those of the inputs.
    """
    now, begun = _digest(item.length for item in items), progress.batches
    if progress.step > 0 and not begun:
        begun = _digest(max(len(window.input_ids) for window in item.windows) for item in items)
    if begun not in {"", now}:
        raise UserError(
            f"{folder}: started with other item lengths, and so with other batches. Continue with the "
            "data and the version that it started with, or start over with --redo."
        )
    progress.batches = now


def _digest(lengths: Iterable[int]) -> str:
    return sha256(" ".join(map(str, lengths)).encode()).hexdigest()


def batches(items: Sequence[Item], plan: TrainingPlan, *, start: int) -> Iterator[list[Item]]:
    """Yield the batches of a plan's steps after the first `start` ones."""
    lengths = [item.length for item in items]
    step, epoch = 0, 0
    while step < plan.steps:
        for batch in length_grouped_batches(lengths, plan.training.batch_size, seed=plan.seed, epoch=epoch):
            if start <= step < plan.steps:
                yield [items[index] for index in batch]
            step += 1
        epoch += 1


def _count(progress: Progress, batch: Sequence[Item], loss: Tensor) -> None:
    progress.step += 1
    progress.items += len(batch)
    progress.tokens += sum(len(window.input_ids) for item in batch for window in item.windows)
    progress.count_loss(loss, len(batch))


def _evaluate(
    trainer: Trainer[Forward], validation: Validation, progress: Progress, *, epoch: float, keeps_last: bool
) -> CurvePoint:
    """Evaluate on the validation split, and keep the weights if they are the best so far or the last are wanted."""
    train_loss = progress.read_loss()
    started, processor = time.monotonic(), time.process_time()
    loss, outputs = trainer.forward.evaluate(validation.features, validation.examples)
    if not math.isfinite(loss):
        raise DivergedError(f"the validation loss is {loss} at step {progress.step}")
    scores = validation.scores(outputs)
    point = CurvePoint(
        step=progress.step,
        epoch=epoch,
        train_loss=train_loss,
        validation_loss=loss,
        validation_scores=scores,
    )
    best = next((known for known in progress.curve if known.step == progress.best_step), None)
    progress.curve.append(point)
    progress.begin_loss()
    if keeps_last or best is None or _better(scores, best.validation_scores, validation):
        progress.best_step = progress.step
        progress.best_weights = copied(model_tensors(trainer.forward.model))
        progress.best_outputs = outputs
    progress.validation_seconds += time.monotonic() - started
    progress.validation_processor_seconds += time.process_time() - processor
    return point


def _better(scores: dict[str, float], best: dict[str, float], validation: Validation) -> bool:
    """Return whether the score is better than the best one. NaN is worse than any number."""
    new, old = scores[validation.main_metric], best[validation.main_metric]
    if math.isnan(old):
        return not math.isnan(new)
    return new > old if validation.higher_is_better else new < old


def _out_of_patience(progress: Progress, patience: int | None) -> bool:
    if patience is None:
        return False
    return sum(point.step > progress.best_step for point in progress.curve) >= patience
