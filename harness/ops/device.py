"""Devices (through accelerate), seeds, peak memory and hardware."""

from __future__ import annotations

import gc
import os
import platform
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import parse_flag_from_env, patch_environment, set_seed

from harness.errors import UserError
from harness.ops import native
from harness.ops.freed_memory import give_freed_memory_back, keep_freed_memory

_USE_CPU = "ACCELERATE_USE_CPU"
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def together() -> PartialState:
    """Return the processes that were launched together, and the rank of this one.

    Without a GPU they must be set to use the CPU; otherwise each would believe that it is alone.
    """
    return PartialState(cpu=parse_flag_from_env(_USE_CPU) or not torch.accelerator.is_available())


@contextmanager
def on_cpu() -> Iterator[None]:
    """Compute on the CPU even if there is a GPU, whose work does not count as processor time."""
    with patch_environment(**{_USE_CPU: "true"}):
        _forget_device()
        try:
            yield
        finally:
            _forget_device()


def fresh_accelerator(precision: str, *, tracker: str | None, folder: Path) -> Accelerator:
    """Create an accelerator for one run, unaffected by earlier runs in this process.

    Args:
        precision: "fp32" or "bf16".
        tracker: One of accelerate's trackers, such as "tensorboard", accepted by `check_tracker`.
        folder: A folder that trackers may write to.

    Raises:
        UserError: If the device does not support the precision.
    """
    together()
    keep_freed_memory()
    _forget_accelerator()
    try:
        return Accelerator(
            mixed_precision="no" if precision == "fp32" else precision, log_with=tracker, project_dir=folder
        )
    except (ValueError, ImportError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"precision {precision}: not available here ({first}). Set precision to fp32.") from error


def _forget_device() -> None:
    _forget_accelerator()
    PartialState._reset_state()


def _uses_cuda() -> bool:
    return torch.cuda.is_available() and not parse_flag_from_env(_USE_CPU)


def _forget_accelerator() -> None:
    AcceleratorState._reset_state()
    GradientState._reset_state()


def actual_precision(asked: str) -> str:
    """Resolve "auto": bf16 if the device has instructions for it, else fp32."""
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # torch supports bf16 on every CPU, but without such instructions it is slower than fp32.
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if has_bf16() else "fp32"


def seed_layers(seed: int) -> None:
    """Seed every generator before layers are created, with the same seed on each process."""
    set_seed(seed)


def seed_dropout(seed: int, process: int) -> None:
    """Seed torch's generator for training, with a different seed on each process."""
    torch.manual_seed((seed << 16) + process)


def generators(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of torch's random number generators."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_generators(states: Mapping[str, torch.Tensor]) -> None:
    """Restore the random number generators to the states that `generators` returned."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"])


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a tensor to a device, without waiting for a GPU."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def all_to_device(tensors: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """Copy tensors to a device, by name."""
    return {name: to_device(tensor, device) for name, tensor in tensors.items()}


def reset_peak_memory() -> None:
    """Reset the peak, and free what an earlier run in this process left behind."""
    if AcceleratorState._shared_state:  # The run had a model. What a simple baseline leaves is freed by itself.
        _forget_accelerator()
        gc.collect()
    measure_peak_anew()


def measure_peak_anew() -> None:
    """Reset the peak to the current use, keeping an accelerator that is in use."""
    give_freed_memory_back()
    if _uses_cuda():
        torch.cuda.reset_peak_memory_stats()
    if _CLEAR.exists():
        try:
            _CLEAR.write_text("5")
        except OSError:  # Forbidden in some containers: the peak is then that of the whole process.
            return


def peak_memory_bytes() -> int:
    """Peak memory since the last reset: the GPU's if there is one, else the process's."""
    if _uses_cuda():
        return int(torch.cuda.max_memory_allocated())
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def hardware(accelerator: Accelerator | None) -> dict[str, str | int]:
    """Describe the hardware of a run."""
    found: dict[str, str | int] = {
        "platform": platform.platform(),
        "processor": _processor_name(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": psutil.virtual_memory().total,
        "threads": torch.get_num_threads(),
    }
    if accelerator is not None:
        found |= {"device": str(accelerator.device.type), "processes": accelerator.num_processes}
        if accelerator.device.type == "cpu":
            found["kernels"] = "compiled" if native.serves(accelerator.device) else "plain torch"
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
