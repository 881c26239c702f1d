"""The pretraining loop: optimiser steps, evaluations on held-out texts, intermediate checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.pretraining.recipe import PretrainingPlan
from harness.pretraining.token_losses import Objective
from harness.record import CurvePoint
from harness.training.callbacks import Callbacks
from harness.training.loop import stopped_between_steps
from harness.training.progress import Progress
from harness.training.state import save_state
from harness.training.trainer import DivergedError, Trainer

FIRST_LOSSES = 200  # steps


@dataclass(frozen=True)
class PretrainingRun:
    """A run of pretraining.

    Attributes:
        objective: The objective, which makes the batches.
        held_out: Held-out items to evaluate on, by corpus.
        plan: Length of the run, evaluations and checkpoints.
        corpus_tokens: Number of tokens of the training corpus, by which epochs are counted.
        folder: Folder for the training state.
        keep: Writes a checkpoint of the model, given the share of the run that is done and the number of tokens read.
        checkpoint_seconds: Seconds between two saves of the training state.
    """

    objective: Objective
    held_out: Mapping[str, Sequence[Any]]
    plan: PretrainingPlan
    corpus_tokens: int
    folder: Path
    keep: Callable[[float, int], None]
    checkpoint_seconds: float


def pretrain(trainer: Trainer[Any], run: PretrainingRun, progress: Progress, callbacks: Callbacks) -> None:
    """Train the trainer's model from the step in `progress` to the end of the plan, and update `progress`.

    Raises:
        DivergedError: If a loss is not finite.
        KeyboardInterrupt: If a stop is asked for; the state is saved.
    """
    steps, keep = run.plan.steps, kept_steps(run.plan)
    evaluated_at = evaluation_steps(run.plan)
    saved = time.monotonic()
    batches = run.objective.steps(progress.step)
    with stopped_between_steps(trainer) as stop:
        while progress.step < steps:
            started, processor = time.monotonic(), time.process_time()
            _step(trainer, batches, progress, callbacks, steps)
            is_time = time.monotonic() - saved >= run.checkpoint_seconds and progress.step < steps
            due = trainer.anywhere(is_time or stop.is_made)
            if progress.step in evaluated_at or progress.step in keep or due:
                progress.read_loss()  # A GPU is asynchronous: this waits for its steps, so that their time is counted.
            progress.seconds += time.monotonic() - started
            progress.processor_seconds += time.process_time() - processor
            if progress.step in evaluated_at:
                callbacks.on_evaluate(_evaluate(trainer, run, progress))
                due = trainer.anywhere(due or stop.is_made)
            for share in keep.get(progress.step, ()):
                run.keep(share, progress.tokens)
            if due:
                save_state(progress, trainer, run.folder)
                saved = time.monotonic()
                if trainer.anywhere(stop.is_made):
                    raise KeyboardInterrupt


def kept_steps(plan: PretrainingPlan) -> dict[int, list[float]]:
    """Return the steps after which a checkpoint is kept, with the shares of the run; the last step is among them."""
    found: dict[int, list[float]] = {}
    for share in sorted({*plan.keep, 1.0}):
        found.setdefault(max(1, round(share * plan.steps)), []).append(share)
    return found


def evaluation_steps(plan: PretrainingPlan) -> frozenset[int]:
    """Return the steps after which held-out texts are scored: at even distances, the last step included."""
    return frozenset(max(1, round(plan.steps * count / plan.evaluations)) for count in range(1, plan.evaluations + 1))


def _step(
    trainer: Trainer[Any], batches: Iterator[Sequence[Any]], progress: Progress, callbacks: Callbacks, steps: int
) -> None:
    batch = next(batches)
    loss = trainer.step(batch)
    progress.step += 1
    progress.items += len(batch)
    progress.tokens += sum(item.size for item in batch)
    if progress.step <= FIRST_LOSSES:
        progress.first_losses.append(float(loss))
    progress.count_loss(loss, 1)
    progress.micro_batch_size, progress.notes = trainer.forward.micro_batch_size, trainer.notes
    callbacks.on_step(progress.step, steps, loss=loss, items=len(batch))


def _evaluate(trainer: Trainer[Any], run: PretrainingRun, progress: Progress) -> CurvePoint:
    """Score the held-out texts, in nats per predicted token, by corpus and over all."""
    train_loss = progress.read_loss()
    started = time.monotonic()
    found = {name: trainer.forward.evaluate(texts) for name, texts in run.held_out.items()}
    mean = sum(nats for nats, _ in found.values()) / sum(words for _, words in found.values())
    if not math.isfinite(mean):
        raise DivergedError(f"the held-out loss is {mean} at step {progress.step}")
    point = CurvePoint(
        step=progress.step,
        epoch=progress.tokens / run.corpus_tokens,
        train_loss=train_loss,
        validation_loss=mean,
        validation_scores={name: nats / words for name, (nats, words) in found.items()},
    )
    progress.curve.append(point)
    progress.begin_loss()
    progress.validation_seconds += time.monotonic() - started
    return point
