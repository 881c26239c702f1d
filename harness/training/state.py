"""Save and load the state of an unfinished run: atomically, as safetensors and JSON, never as a pickle."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from pydantic import ValidationError
from torch import Tensor

from harness.errors import UserError, notice
from harness.ops.device import generators, restore_generators
from harness.ops.freed_memory import give_freed_memory_back
from harness.record import CurvePoint
from harness.training.progress import Progress
from harness.training.sharding import cut_like, local
from harness.training.state_files import FORM, newest_state, write_part, write_state
from harness.training.trainer import Trainer

# Fields of the progress stored as facts. Weights are stored as tensors, and outputs are recomputed.
_PROGRESS = {known.name for known in fields(Progress)} - {"best_weights", "best_outputs"}


def model_tensors(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return parameters and persistent buffers by name, tied ones once."""
    parameters = dict(model.named_parameters())
    shared = {local(tensor).data_ptr() for tensor in parameters.values()}
    buffers = {
        name: tensor
        for name, tensor in model.state_dict(keep_vars=True).items()
        if name not in parameters and local(tensor).data_ptr() not in shared
    }
    return {**parameters, **buffers}


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU; of a sharded tensor, this process's shard."""
    return {name: local(tensor.detach()).to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}


@torch.no_grad()
def restore(model: torch.nn.Module, values: Mapping[str, Tensor]) -> None:
    """Load saved values into the model."""
    tensors = model_tensors(model)
    assert tensors.keys() == values.keys(), sorted(tensors.keys() ^ values.keys())
    for name, tensor in tensors.items():
        local(tensor).copy_(values[name])


def save_state(progress: Progress, trainer: Trainer[Any], folder: Path) -> None:
    """Save everything needed to resume to `folder`/step-N, then delete older states.

    If it cannot be written, as on a full disk, the previous state is kept and the run continues with a note.

    Freed memory is also returned to the system here, which is rare enough to cost nothing.

    Raises:
        DivergedError: If the training loss is not finite, since such a state is useless.
    """
    progress.read_loss()
    drawn = gather_object([generators(trainer.forward.accelerator.device)])
    recurrent_state = gather_object([copied(trainer.forward.recurrent_state)])
    is_main, is_sharded = trainer.forward.accelerator.is_main_process, trainer.forward.is_sharded
    if is_main or is_sharded:
        tensors = {f"model.{name}": tensor for name, tensor in copied(model_tensors(trainer.forward.model)).items()}
        tensors |= {f"best.{name}": tensor for name, tensor in progress.best_weights.items()}
        tensors |= _optimizer_tensors(trainer)
        tensors |= {f"generator.{rank}.{name}": s for rank, states in enumerate(drawn) for name, s in states.items()}
        tensors |= {
            f"carried.{rank}.{name}": tensor
            for rank, each in enumerate(recurrent_state)
            for name, tensor in each.items()
        }
        facts = {name: getattr(progress, name) for name in sorted(_PROGRESS - {"curve"})}
        facts |= {"curve": [point.model_dump() for point in progress.curve], "processes": len(drawn), "form": FORM}
        facts |= {"sharded": True} if is_sharded else {}
        error = _written(folder, progress.step, tensors, facts, trainer.forward.accelerator)
        if error is not None:
            _note_unsaved(trainer.notes, folder, error)
        del tensors
    give_freed_memory_back()
    trainer.forward.accelerator.wait_for_everyone()


def _written(
    folder: Path, step: int, tensors: dict[str, Tensor], facts: dict[str, Any], accelerator: Accelerator
) -> OSError | None:
    """Write a state. Each process writes its shard of a sharded model, then the main process combines them.

    Returns:
        An error on any process, or None.
    """
    others = range(1, accelerator.num_processes) if facts.get("sharded") else ()
    error = None
    try:
        if not accelerator.is_main_process:
            write_part(folder, accelerator.process_index, tensors)
        elif not others:
            write_state(folder, step, tensors, facts)
    except OSError as failed:
        error = failed
    if others:
        error = next((one for one in gather_object([error]) if one is not None), None)
        if error is None and accelerator.is_main_process:
            try:
                write_state(folder, step, tensors, facts, parts=others)
            except OSError as failed:
                error = failed
    return error


def _note_unsaved(notes: list[str], folder: Path, error: OSError) -> None:
    notice(f"{folder}: the state can't be saved ({error}). The run continues; free some space.")
    note = "a state could not be saved during the run, which continued without it"
    if note not in notes:
        notes.append(note)


def load_state(trainer: Trainer[Any], folder: Path, labels: Sequence[str] = ()) -> Progress:
    """Load the newest complete state of `folder` into the trainer, if there is one, and return the progress.

    Args:
        trainer: The trainer, changed in place.
        folder: The folder of the states.
        labels: Label names in the order of the model's outputs. With others, predictions would get wrong names.

    Raises:
        UserError: If the run was started with other labels, by another version, or on a different number of processes.
    """
    accelerator = trainer.forward.accelerator
    found, damaged = newest_state(folder, accelerator.process_index)
    trainer.notes += [f"the saved state {name} was damaged and left out" for name in damaged]
    if found is None:
        return Progress(micro_batch_size=trainer.forward.micro_batch_size, notes=trainer.notes, labels=list(labels))
    tensors, facts = found
    _check_processes(facts, trainer, folder)
    weights, curve = _under("model.", tensors), _curve(facts, folder)
    _check_version(trainer.forward.model, weights, facts, folder)
    _check_labels(facts, labels, folder)
    restore(trainer.forward.model, weights)
    _restore_optimizer(trainer, _under("optimizer.", tensors))
    _restore_schedule(trainer, facts["step"])
    restore_generators(_under(f"generator.{trainer.forward.accelerator.process_index}.", tensors))
    recurrent_state = _under(f"carried.{trainer.forward.accelerator.process_index}.", tensors)
    device = trainer.forward.accelerator.device
    trainer.forward.recurrent_state = {name: tensor.to(device) for name, tensor in recurrent_state.items()}
    trainer.forward.micro_batch_size = facts["micro_batch_size"]
    trainer.notes[:0] = facts["notes"]
    known = {name: facts[name] for name in facts.keys() & _PROGRESS}
    if "validation_processor_seconds" not in facts and not facts["processor_seconds"]:
        # Earlier versions did not measure processor time in fine-tuning: wall-clock time is used instead.
        known |= {"processor_seconds": facts["seconds"], "validation_processor_seconds": facts["validation_seconds"]}
    return Progress(**{**known, "notes": trainer.notes, "curve": curve}, best_weights=_under("best.", tensors))


def _check_processes(facts: Mapping[str, Any], trainer: Trainer[Any], folder: Path) -> None:
    """Reject a state of another number of processes, or with other sharding."""
    now = _how(trainer.forward.accelerator.num_processes, is_sharded=trainer.forward.is_sharded)
    begun = _how(facts.get("processes", 1), is_sharded=facts.get("sharded", False))
    if begun != now:
        raise UserError(
            f"{folder}: started with {begun}, and now there are {now}. Continue with as many, or delete "
            f"{folder} to start this run over."
        )


def _how(processes: int, *, is_sharded: bool) -> str:
    return f"{processes} processes{' that share the model' if is_sharded else ''}"


def _check_labels(facts: Mapping[str, Any], labels: Sequence[str], folder: Path) -> None:
    """Reject weights for other labels. Earlier versions did not record labels."""
    stored = facts.get("labels")
    if (stored or []) != list(labels):
        raise UserError(
            f"{folder}: started with the labels {stored or '(not recorded)'}, and now they are {list(labels)}. "
            "Continue with the data and the version that it started with, or start over with --redo."
        )


def _check_version(
    model: torch.nn.Module, weights: Mapping[str, Tensor], facts: Mapping[str, Any], folder: Path
) -> None:
    """Reject a complete state that another version saved with different content.

    Raises:
        UserError: If its facts differ, or its tensors do not fit the model.
    """
    known = {*_PROGRESS, "processes"}
    shapes = {name: tensor.shape for name, tensor in weights.items()}
    wanted = {name: local(tensor).shape for name, tensor in model_tensors(model).items()}
    other = sorted(
        (facts.keys() ^ known) - {"form", "labels", "batches", "sharded", "validation_processor_seconds"}
    ) or sorted(  # Labels were checked before, and batches are checked later.
        name for name in {*shapes, *wanted} if shapes.get(name) != wanted.get(name)
    )
    if other or facts.get("form", 1) > FORM:
        raise _other_version(folder, ", ".join(other[:3]) or "form")


def _curve(facts: Mapping[str, Any], folder: Path) -> list[CurvePoint]:
    try:
        return [CurvePoint.model_validate(point) for point in facts.get("curve", ())]
    except ValidationError as error:
        raise _other_version(folder, "curve") from error


def _other_version(folder: Path, what: str) -> UserError:
    return UserError(
        f"{folder}: saved by another version (it differs in: {what}). "
        f"Continue with that version, or delete {folder} to start this run over."
    )


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _optimizer_tensors(trainer: Trainer[Any]) -> dict[str, Tensor]:
    return {
        f"optimizer.{name}.{key}": local(value.detach()).to("cpu", copy=True)
        for name, parameter in trainer.forward.model.named_parameters()
        for key, value in trainer.optimizer.state.get(parameter, {}).items()
    }


def _restore_optimizer(trainer: Trainer[Any], tensors: Mapping[str, Tensor]) -> None:
    for name, parameter in trainer.forward.model.named_parameters():
        state = {
            key.removeprefix(f"{name}."): cut_like(value.to(parameter.device), parameter)
            for key, value in tensors.items()
            if key.rpartition(".")[0] == name
        }
        if state:
            trainer.optimizer.state[parameter] = state


def _restore_schedule(trainer: Trainer[Any], step: int) -> None:
    trainer.scheduler.last_epoch = step - 1
    with warnings.catch_warnings():
        # PyTorch warns if a schedule runs before its optimiser, whose steps were taken before the interruption.
        warnings.simplefilter("ignore", UserWarning)
        trainer.scheduler.step()
