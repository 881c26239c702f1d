"""What the C library does with memory that was freed: kept for the next step, or given back to the system."""

from __future__ import annotations

import ctypes
import os
import platform

# glibc's mallopt: how much free memory is kept, and from which size on a block is given back at once; bytes.
_KEPT, _OWN_BLOCK = (-1, 2**31 - 1), (-3, 32 * 2**20)
# What glibc's own adjustment of the two ends at (mallopt(3): M_MMAP_THRESHOLD); to adjust again it can't be told.
_ADJUSTED = ((-1, 64 * 2**20), (-3, 32 * 2**20))


def keep_freed_memory() -> None:
    """Have the C library keep what a step frees for the next one, which would else ask the system for it page by page.

    Only glibc's, and not where the environment says something of it. `give_freed_memory_back` gives all of it back.
    """
    _set_malloc(_KEPT, _OWN_BLOCK)


def stop_keeping_freed_memory() -> None:
    """Give back what `keep_freed_memory` has kept, and have the C library keep no more than it does by itself."""
    _set_malloc(*_ADJUSTED)
    give_freed_memory_back()


def _set_malloc(*options: tuple[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc" and not any(name.startswith("MALLOC_") for name in os.environ):
        for option, value in options:
            ctypes.CDLL("libc.so.6").mallopt(option, value)


def give_freed_memory_back() -> None:
    """Have the C library give the system what `keep_freed_memory` has kept.

    Steps of ever other lengths leave gaps of ever other sizes, which add up to gigabytes unless a long run calls this
    now and then.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
