"""The compiled kernels: built once for a machine, and kept."""

from __future__ import annotations

from functools import cache


@cache
def unavailable() -> str | None:
    """Why the kernels are not available, in one line; None: they are."""
    return "native kernels: not built yet"
