"""Pretraining from start to finish: texts, tokenizer, model, training, checkpoints, record. Read this first."""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.language_head import Language
from harness.ops.device import (
    actual_precision,
    fresh_accelerator,
    hardware,
    peak_memory_bytes,
    reset_peak_memory,
    seed_dropout,
    seed_layers,
)
from harness.ops.fast_dropout import with_fast_dropout
from harness.ops.fused_norm import with_fused_norms
from harness.ops.together import processes
from harness.pretraining.card import pretraining_card
from harness.pretraining.loop import PretrainingRun, pretrain
from harness.pretraining.pipeline import Prepared, prepared
from harness.pretraining.recipe import PretrainingRecipe
from harness.pretraining.record import PretrainingRecord
from harness.pretraining.run_folder import PretrainingFolder, weights_origin
from harness.pretraining.token_losses import InitialModel
from harness.pretraining.tokenizer import tokenizer_origin
from harness.record import PRETRAINING, Pretraining, Provenance
from harness.registry import FAMILIES, OBJECTIVES
from harness.runs.recording import now
from harness.training.callbacks import Callbacks
from harness.training.optimisation import make_optimizer, make_scheduler
from harness.training.progress import Progress
from harness.training.provenance import git_state, package_versions
from harness.training.state import load_state
from harness.training.state_files import writing_tensors
from harness.training.trainer import DivergedError, Trainer


@dataclass(frozen=True)
class Job:
    """A pretraining run to do.

    Attributes:
        name: The recipe's name.
        recipe: The recipe, with its precision resolved.
        files_from: The folder that the recipe's relative file patterns start from.
        folder: The folder for checkpoints and record.
        checkpoint_seconds: Seconds between two saves of the training state.
    """

    name: str
    recipe: PretrainingRecipe
    files_from: Path
    folder: PretrainingFolder
    checkpoint_seconds: float = 120.0


def resolved(recipe: PretrainingRecipe) -> PretrainingRecipe:
    """Return the recipe with precision "auto" replaced by the actual one on this machine, for the record."""
    plan = recipe.training.model_copy(update={"precision": actual_precision(recipe.training.precision)})
    return recipe.model_copy(update={"training": plan})


def pretrained(job: Job, callbacks: Callbacks, console: Console) -> PretrainingRecord:
    """Pretrain the recipe's model, or resume, and write checkpoints and a record to the job's folder.

    A loss that is not finite is recorded as a result: status "diverged".

    Raises:
        UserError: If texts, tokenizer, family and objective do not fit together.
    """
    started, together = now(), processes()
    reset_peak_memory()
    trainer, run, corpus = run_of(job, console)
    reason, progress = "", load_state(trainer, run.folder)
    try:
        pretrain(trainer, run, progress, callbacks)
    except DivergedError as error:
        reason = str(error)
    record = _record(job, corpus, trainer, progress, started=started, reason=reason)
    if together.is_main_process:
        job.folder.finish(record, pretraining_card)
    together.wait_for_everyone()
    return record


def run_of(job: Job, console: Console) -> tuple[Trainer[Any], PretrainingRun, Prepared]:
    """Make the trainer of the model, the run to do, and the prepared texts, with the objective's facts in their report.

    Raises:
        UserError: If texts, tokenizer, family and objective do not fit together.
    """
    recipe, plan = job.recipe, job.recipe.training
    with processes().main_process_first():
        corpus = prepared(recipe.corpora, recipe.tokenizer, folder=job.files_from, seed=plan.seed, console=console)
    size = corpus.training.token_count
    if size < plan.batch_tokens:
        raise UserError(
            f"corpora: {size} tokens to train on, fewer than one step reads (batch_tokens {plan.batch_tokens}). "
            "Give more text, or lower batch_tokens."
        )
    objective = OBJECTIVES.load(recipe.objective)(corpus.training, corpus.tokenizer, plan=plan)
    corpus = corpus.with_facts(objective.facts())
    held_out = {name: texts for name, tokens in corpus.held_out.items() if (texts := objective.held_out(tokens))}
    if not held_out:
        raise UserError("corpora: no held-out text is long enough to be scored. Raise held_out, or give more text.")
    start = _initial_model(job, corpus.tokenizer)
    trainable = objective.trainable(start)
    optimizer = make_optimizer(start.model, plan)
    trainer = Trainer(trainable, optimizer, make_scheduler(optimizer, plan, plan.steps), plan.max_grad_norm, notes=[])
    keep = partial(_keep, job, start)
    run = PretrainingRun(objective, held_out, plan, size, job.folder.state, keep, job.checkpoint_seconds)
    return trainer, run, corpus


def _initial_model(job: Job, tokenizer: Any) -> InitialModel:
    """Make the recipe's model on its device, seeding before weights are drawn, and again for dropout."""
    recipe, plan, family = job.recipe, job.recipe.training, FAMILIES.load(job.recipe.family)
    if getattr(family, "language", None) is None:
        raise UserError(f"family {recipe.family!r}: has no language model to train from scratch. Try bert.")
    accelerator = fresh_accelerator(plan.precision, tracker=None, folder=job.folder.partial)
    seed_layers(plan.seed)
    spec = ModelConfig.model_validate(
        {"family": recipe.family, "architecture": recipe.architecture, "checkpoint": recipe.checkpoint}
    )
    model, notes = family.language_model(spec, tokenizer, dropout=plan.dropout)
    longest = family.longest_text(model)
    if longest is not None and plan.length > longest:
        raise UserError(
            f"training.length: {plan.length}, but this {model.config.model_type} has positions for {longest} tokens. "
            "Lower it, or raise architecture.max_position_embeddings."
        )
    if recipe.start == "local_attention":
        _add_local_attention(model, recipe.family, family.language)
    model.to(accelerator.device)
    with_fast_dropout(model)
    with_fused_norms(model)
    seed_dropout(plan.seed, accelerator.process_index)
    return InitialModel(model, family.language, family.packing, tokenizer, accelerator, notes)


def _add_local_attention(model: Any, family: str, language: Language) -> None:
    if language.local_attention_heads is None:
        raise UserError(f'start: "local_attention", but a {family} has no learnt positions to attend by. Leave it out.')
    try:
        language.local_attention_heads(model)
    except ValueError as error:
        raise UserError(f'start: "local_attention": {error}. Change the architecture, or leave it out.') from error


def _keep(job: Job, start: InitialModel, share: float, tokens: int) -> None:
    """Write a standard Hugging Face checkpoint of the model in its current state."""
    if not start.accelerator.is_main_process:
        return
    folder = job.folder.checkpoint(share)
    shutil.rmtree(folder, ignore_errors=True)  # Left by a process that was killed here.
    # A copy, because training continues in 32 bits.
    model = copy.deepcopy(start.model)
    if job.recipe.training.save == "bf16":
        model = model.to(torch.bfloat16)
    setattr(model.config, PRETRAINING, Pretraining(recipe=job.name, tokens=tokens).model_dump())
    with writing_tensors(folder):
        model.save_pretrained(folder)
    if not start.language.causal:
        start.tokenizer.model_max_length = job.recipe.training.length
    start.tokenizer.save_pretrained(folder)


def _record(
    job: Job, corpus: Prepared, trainer: Trainer[Any], progress: Progress, *, started: str, reason: str
) -> PretrainingRecord:
    commit, dirty = git_state()
    return PretrainingRecord(
        status="diverged" if reason else "complete",
        reason=reason,
        name=job.name,
        config=job.recipe.resolved(),
        corpus={**corpus.report, "tokenizer": {**corpus.report["tokenizer"], **_tokenizer_source(job)}}
        | weights_origin(job.recipe),
        parameters=trainer.forward.model.num_parameters(),
        steps=progress.step,
        tokens=progress.tokens,
        curve=tuple(progress.curve),
        first_losses=tuple(progress.first_losses),
        seconds={"train": progress.seconds, "validate": progress.validation_seconds},
        processor_seconds=progress.processor_seconds,
        peak_memory_bytes=peak_memory_bytes(),
        provenance=Provenance(
            packages=package_versions(),
            git_commit=commit,
            git_dirty=dirty,
            hardware=hardware(trainer.forward.accelerator),
            started=started,
            finished=now(),
        ),
        notes=(*trainer.forward.notes, *corpus.notes, *progress.notes, *_not_scored(corpus, progress)),
    )


def _tokenizer_source(job: Job) -> dict[str, str]:
    origin = tokenizer_origin(job.recipe.tokenizer)
    return {} if origin is None else {"source": origin}


def _not_scored(corpus: Prepared, progress: Progress) -> list[str]:
    """Return a note for each corpus that is missing from the curve."""
    scored = progress.curve[-1].validation_scores if progress.curve else corpus.held_out
    return [f"{name}: its held-out texts are too short to be scored" for name in corpus.held_out if name not in scored]
