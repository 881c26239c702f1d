"""What a precision of "auto" means on this machine, found out without torch where the machine itself says it."""

from __future__ import annotations

import sys
from pathlib import Path

_DEVICES = Path("/dev")
_PROCESSORS = Path("/proc/cpuinfo")
# Of NVIDIA, of NVIDIA on one chip with its processor, of AMD, and of either below Windows.
_ACCELERATORS = ("nvidia*", "nvhost*", "kfd", "dxg")


def actual_precision(wanted: str) -> str:
    """The precision that a run gets which asks for `wanted`: "auto" is bf16 where the device multiplies in it.

    Importing torch takes seconds, which a plan or a mistyped name should not.
    """
    if wanted != "auto":
        return wanted
    if has_no_accelerator() and _PROCESSORS.exists():
        return "bf16" if _processor_has_bf16() else "fp32"
    from harness.ops import device  # noqa: PLC0415 -- imports torch

    return device.actual_precision(wanted)


def has_no_accelerator() -> bool:
    """Whether the machine itself says that it has no GPU or the like; False where only torch can tell."""
    return sys.platform == "linux" and not any(True for pattern in _ACCELERATORS for _ in _DEVICES.glob(pattern))


def _processor_has_bf16() -> bool:
    """Whether the kernel lists the instructions that torch looks for."""
    flags = (line for line in _PROCESSORS.read_text(encoding="utf-8").splitlines() if line.startswith("flags"))
    return "avx512_bf16" in next(flags, "").split()
