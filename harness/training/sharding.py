"""A model too large for one device, cut among the processes: FSDP2, as `accelerate launch --use_fsdp` asks for.

Each process holds a part of every parameter, its gradient and its optimiser's state, and gathers a layer's whole
parameters while the layer is read (Zhao et al. 2023, "PyTorch FSDP", section 3; torch's `fully_shard`). So all
processes have to read as often as each other, and what is not cut that way is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn

from harness.config.training import Training
from harness.errors import UserError
from harness.models.depth import layers_of

_ASKED, _VERSION = "ACCELERATE_USE_FSDP", "FSDP_VERSION"


@dataclass(frozen=True)
class Shards:
    """That a model is cut among processes.

    Attributes:
        accelerator: Knows them.
    """

    accelerator: Accelerator

    @property
    def factor(self) -> int:
        """What a loss is multiplied by, because gradients are averaged over the processes and are to be summed."""
        return self.accelerator.num_processes


def in_step(shards: Shards | None, groups: Sequence[Any], filler: Any) -> Iterator[tuple[Any, bool]]:
    """The groups that this process reads together, and whether each counts.

    Where processes share the model there are as many on each, for they gather every layer together.

    Args:
        shards: That they share it.
        groups: This process's own.
        filler: What it reads, without counting it, where another process has more.
    """
    most = len(groups) if shards is None else max(gather_object([len(groups)]))
    yield from ((group, True) for group in groups)
    yield from ((filler, False) for _ in range(most - len(groups)))


def shards_asked(accelerator: Accelerator) -> bool:
    """Whether the launcher asks for a sharded model, and there are processes to share it."""
    return os.environ.get(_ASKED, "").lower() in ("1", "true", "yes") and accelerator.num_processes > 1


def check_shardable(
    training: Training, *, is_unpadded: bool, answers_in_units: bool, writes: bool, most_windows: int
) -> None:
    """Check that a recipe can be followed by a model that is cut among processes.

    Args:
        training: The recipe.
        is_unpadded: Whether the model reads one length at a time.
        answers_in_units: Whether the head is rescaled when it is trained.
        writes: Whether the model writes texts, word by word.
        most_windows: Most windows of one item, which are read together.

    Raises:
        UserError: Every setting that stands in the way.
    """
    mistakes = []
    if os.environ.get(_VERSION, "2") == "1":
        mistakes.append("fsdp_version: 1 is not supported. Set --fsdp_version 2.")
    if training.execution != "padded":
        mistakes.append("execution: a sharded model (--use_fsdp) needs padded texts. Set execution=padded.")
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


def shard(model: Any, accelerator: Accelerator) -> Shards:
    """Cut the model's parameters among the processes, layer by layer, in place.

    Raises:
        UserError: It has no list of layers.
    """
    from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415 -- not in every build of torch
    from torch.distributed.fsdp import fully_shard  # noqa: PLC0415 -- as above

    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for layer in layers_of(model, "--use_fsdp"):
        fully_shard(layer, mesh=mesh)
    # Else what is outside the layers would stay whole after an evaluation, when states are copied.
    fully_shard(model, mesh=mesh, reshard_after_forward=True)
    return Shards(accelerator)


def local(tensor: Tensor) -> Tensor:
    """This process's part of a tensor, in the same memory; the tensor, where it is not cut."""
    found: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return found


def cut_like(value: Tensor, parameter: Tensor) -> Tensor:
    """A process's part of what belongs to a parameter, such as its optimiser's state, as a tensor that is cut alike."""
    if not hasattr(parameter, "to_local") or value.shape != local(parameter).shape:
        return value
    from torch.distributed.tensor import DTensor  # noqa: PLC0415 -- not in every build of torch

    whole: Any = parameter
    return DTensor.from_local(
        value, whole.device_mesh, whole.placements, run_check=False, shape=whole.shape, stride=whole.stride()
    )


@torch.no_grad()
def gathered(model: nn.Module, accelerator: Accelerator) -> dict[str, Tensor]:
    """The whole tensors of a sharded model on the main process's CPU, one after the other; nothing on the others."""
    found = {}
    for name, tensor in model.state_dict().items():
        whole = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        if accelerator.is_main_process:
            found[name] = whole.detach().to("cpu", copy=True).contiguous()
    return found
