"""Resolve the precision "auto" on this machine, without importing torch if possible."""

from __future__ import annotations

import sys
from pathlib import Path

_DEVICES = Path("/dev")
_PROCESSORS = Path("/proc/cpuinfo")
# NVIDIA, NVIDIA with the CPU on one chip, AMD, and either under Windows.
_ACCELERATORS = ("nvidia*", "nvhost*", "kfd", "dxg")


def actual_precision(wanted: str) -> str:
    """The precision of a run that asks for `wanted`: "auto" is bf16 if the device supports it natively.

    Importing torch takes seconds, which is too long for a plan or a mistyped name.
    """
    if wanted != "auto":
        return wanted
    if has_no_accelerator() and _PROCESSORS.exists():
        return "bf16" if _processor_has_bf16() else "fp32"
    from harness.ops import device  # noqa: PLC0415 -- imports torch

    return device.actual_precision(wanted)


def has_no_accelerator() -> bool:
    """Return whether the system reports no GPU or other accelerator; False if only torch can tell."""
    return sys.platform == "linux" and not any(True for pattern in _ACCELERATORS for _ in _DEVICES.glob(pattern))


def _processor_has_bf16() -> bool:
    """Return whether the kernel lists the instructions that torch looks for."""
    flags = (line for line in _PROCESSORS.read_text(encoding="utf-8").splitlines() if line.startswith("flags"))
    return "avx512_bf16" in next(flags, "").split()
