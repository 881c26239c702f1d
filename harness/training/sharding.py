"""Shard a model that is too large for one device: FSDP2, as requested by `accelerate launch --use_fsdp`.

Each process holds a shard of every parameter, its gradient and its optimizer state, and gathers a layer's parameters
while the layer is computed (Zhao et al. 2023, "PyTorch FSDP", section 3; torch's `fully_shard`). All processes must
therefore run the same number of forward passes, and settings that prevent this are rejected.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn

from harness.config.training import Training
from harness.errors import UserError
from harness.models.depth import layers_of

_ASKED, _VERSION = "ACCELERATE_USE_FSDP", "FSDP_VERSION"


def own_share(items: Sequence[Any], accelerator: Accelerator) -> Sequence[Any]:
    """Return this process's share of the items of a step or a split, whether or not the model is sharded."""
    return items[accelerator.process_index :: accelerator.num_processes]


def in_step(groups: Sequence[Any], filler: Any, *, is_sharded: bool) -> Iterator[tuple[Any, bool]]:
    """Yield the groups of this process's forward passes, and whether each counts.

    If the model is sharded, all processes yield the same number, as they gather every layer together.

    Args:
        groups: The groups of this process.
        filler: An extra group that does not count, read while other processes have more.
        is_sharded: Whether the model is sharded.
    """
    most = max(gather_object([len(groups)])) if is_sharded else len(groups)
    yield from ((group, True) for group in groups)
    yield from ((filler, False) for _ in range(most - len(groups)))


def shards_asked(accelerator: Accelerator) -> bool:
    """Whether the launcher requests a sharded model and there are several processes."""
    return os.environ.get(_ASKED, "").lower() in ("1", "true", "yes") and accelerator.num_processes > 1


def check_shardable(
    training: Training, *, is_unpadded: bool, answers_in_units: bool, writes: bool, most_windows: int
) -> None:
    """Check that a recipe works with a sharded model.

    Args:
        training: The recipe.
        is_unpadded: Whether the model only reads texts of equal length together.
        answers_in_units: Whether the head is rescaled after training.
        writes: Whether the model generates text.
        most_windows: Maximum number of windows of an item, which are read together.

    Raises:
        UserError: If any settings prevent it; lists all of them.
    """
    mistakes = []
    if os.environ.get(_VERSION, "2") == "1":
        mistakes.append("fsdp_version: 1 is not supported. Set --fsdp_version 2.")
    if training.execution != "padded" or training.compile:
        mistakes.append(
            "execution, compile: a sharded model (--use_fsdp) needs padded texts and is not compiled. "
            "Set execution=padded, and leave compile out."
        )
    if training.method != "full" or training.frozen is not None:
        mistakes.append("method, frozen: a sharded model is trained whole. Leave them out.")
    if training.strategy not in ("head", "head_tail"):
        mistakes.append(f"strategy: {training.strategy} takes different numbers of passes on each process. Set head.")
    if is_unpadded:
        mistakes.append("This model reads one length at a time, and so not in step with other processes: not sharded.")
    if answers_in_units:
        mistakes.append("A head that is rescaled after training (regression) is not sharded. Leave --use_fsdp out.")
    if writes:
        mistakes.append("A model that writes texts is not sharded. Leave --use_fsdp out.")
    if most_windows > training.micro_batch_size:
        mistakes.append(
            f"micro_batch_size: {training.micro_batch_size}, but one item has {most_windows} windows, "
            "which would take different numbers of passes on each process. Raise it."
        )
    if mistakes:
        raise UserError(*mistakes)


def shard(model: Any, accelerator: Accelerator) -> None:
    """Shard the model's parameters among the processes, layer by layer, in place.

    Raises:
        UserError: If the model has no list of layers.
    """
    from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415 -- not in every build of torch
    from torch.distributed.fsdp import fully_shard  # noqa: PLC0415 -- as above

    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for layer in layers_of(model, "--use_fsdp"):
        fully_shard(layer, mesh=mesh)
    # Otherwise parameters outside the layers would stay gathered after an evaluation, when states are copied.
    fully_shard(model, mesh=mesh, reshard_after_forward=True)


def local(tensor: Tensor) -> Tensor:
    """Return this process's shard of a tensor, sharing memory, or the tensor itself if it is not sharded."""
    found: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return found


def cut_like(value: Tensor, parameter: Tensor) -> Tensor:
    """Convert a process's shard of, for example, optimizer state to a tensor that is sharded like its parameter."""
    if not hasattr(parameter, "to_local") or value.shape != local(parameter).shape:
        return value
    from torch.distributed.tensor import DTensor  # noqa: PLC0415 -- not in every build of torch

    whole: Any = parameter
    return DTensor.from_local(
        value, whole.device_mesh, whole.placements, run_check=False, shape=whole.shape, stride=whole.stride()
    )


@torch.no_grad()
def gathered(model: nn.Module, accelerator: Accelerator) -> dict[str, Tensor]:
    """Return the full tensors of a sharded model, on the main process's CPU; empty on other processes."""
    found = {}
    for name, tensor in model.state_dict().items():
        whole = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        if accelerator.is_main_process:
            found[name] = whole.detach().to("cpu", copy=True).contiguous()
    return found
