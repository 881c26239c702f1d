"""Measurements of a fine-tuned model for the record: counts, cost, origin of the weights, notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.config.run import RunConfig
from harness.long_texts.scoring import execution_notes
from harness.models.loaded import Loaded
from harness.ops.device import hardware
from harness.record import Cost, Measurements, Tokens
from harness.tokenization.items import Features
from harness.training.adaptation import Adapted
from harness.training.evaluation import Evaluated
from harness.training.flops import training_flops
from harness.training.forward import Forward
from harness.training.optimisation import trains_used_rows_exactly
from harness.training.progress import Progress
from harness.training.provenance import pretraining_of
from harness.training.task_model import TaskModel


def measured(
    known: Measurements,
    model: TaskModel,
    forward: Forward,
    progress: Progress,
    *,
    adapted: Adapted,
    found: Evaluated,
    config: RunConfig,
) -> Measurements:
    """Collect the measurements of a fine-tuned model."""
    counts = {
        "parameters": model.loaded.model.num_parameters(),
        "trained_parameters": adapted.trained_parameters,
        **_counted(model.encoded),
    }
    origin = {"hardware": hardware(forward.accelerator), **_origin(model.loaded, config)}
    return known.model_copy(
        update={
            "scores": found.scores,
            "calibration": found.calibration,
            "curve": tuple(progress.curve),
            "best_step": progress.best_step,
            "counts": known.counts.model_copy(update=counts),
            "cost": _cost(model, forward, progress, adapted.forward_passes),
            "provenance": known.provenance.model_copy(update=origin),
            "notes": (*found.notes, *known.notes, *_notes(model, forward, progress)),
        }
    )


def _counted(encoded: Mapping[str, Features]) -> dict[str, Any]:
    lost = {split: features.unreachable_answers for split, features in encoded.items()}
    return {
        "tokens": {
            split: Tokens(total=sum(features.lengths), seen=features.seen) for split, features in encoded.items()
        },
        "unreachable_answers": {split: share for split, share in lost.items() if share is not None},
        "unreachable_causes": {
            split: dict(features.unreachable) for split, features in encoded.items() if features.unreachable
        },
    }


def _cost(model: TaskModel, forward: Forward, progress: Progress, passes: float) -> Cost:
    """Measure the cost of training, apart from its seconds."""
    if progress.seconds == 0:
        return Cost()
    items, attended = model.features("train").items, forward.scoring.attended
    return Cost(
        train_tokens_per_second=progress.tokens / progress.seconds,
        train_examples_per_second=progress.items / progress.seconds,
        training_flops=training_flops(model.loaded.model, items, progress.items, attended=attended, passes=passes),
    )


def _origin(loaded: Loaded, config: RunConfig) -> dict[str, Any]:
    """Describe the origin of the initial weights."""
    if loaded.checkpoint is None:
        return {}
    fresh = config.model.init == "random"
    return {
        "checkpoint_digest": "" if fresh else config.weights or loaded.checkpoint.digest(),
        "hub_commit": loaded.checkpoint.hub_commit,
        "pretraining": pretraining_of(loaded.checkpoint.config(), fresh=fresh),
    }


def _notes(model: TaskModel, forward: Forward, progress: Progress) -> tuple[str, ...]:
    return (
        *model.loaded.notes,
        *execution_notes(model.loaded, forward.scoring, model.training),
        *_vocabulary_notes(model),
        *model.objective.notes(model.splits.test or model.splits.validation, model.reader),
        *progress.notes,
    )


def _vocabulary_notes(model: TaskModel) -> list[str]:
    """Note why all embeddings were trained although the recipe asks for those of used tokens only."""
    if not model.wants_used_rows or trains_used_rows_exactly(model.training):
        return []
    return [f"whole vocabulary: with {model.training.optimizer}, used rows trained alone would come out otherwise"]
