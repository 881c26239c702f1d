"""Control whether the C library keeps freed memory for the next step or returns it to the system."""

from __future__ import annotations

import ctypes
import os
import platform

# glibc's mallopt: how much free memory is kept, and the size from which a block is returned at once, in bytes.
_KEPT, _OWN_BLOCK = (-1, 2**31 - 1), (-3, 32 * 2**20)
# The final values of glibc's dynamic adjustment (mallopt(3): M_MMAP_THRESHOLD), which cannot be turned on again.
_ADJUSTED = ((-1, 64 * 2**20), (-3, 32 * 2**20))


def keep_freed_memory() -> None:
    """Make the C library keep freed memory for the next step, which would otherwise request it page by page.

    Only for glibc, and only if the environment does not configure it. `give_freed_memory_back` returns all of it.
    """
    _set_malloc(_KEPT, _OWN_BLOCK)


def stop_keeping_freed_memory() -> None:
    """Return memory held by `keep_freed_memory`, and keep no more than the C library does by default."""
    _set_malloc(*_ADJUSTED)
    give_freed_memory_back()


def _set_malloc(*options: tuple[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc" and not any(name.startswith("MALLOC_") for name in os.environ):
        for option, value in options:
            ctypes.CDLL("libc.so.6").mallopt(option, value)


def give_freed_memory_back() -> None:
    """Make the C library return the memory held by `keep_freed_memory` to the system.

    Steps of varying lengths leave gaps of varying sizes, which add up to gigabytes unless a long run calls this now and
    then.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
