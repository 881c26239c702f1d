"""Exclude imported objects, which stay in use anyway, from Python's garbage collection.

torch and transformers have half a million objects, and collecting them all takes a quarter of a second of processor
time: as much as fitting a simple baseline, and a noticeable part of a short training.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

_state = SimpleNamespace(is_passing=False)


def pass_over_what_is_loaded() -> None:
    """Exclude all current objects from garbage collection, for good. For processes of our own only."""
    gc.collect()  # Unused objects would otherwise never be freed.
    gc.freeze()
    _state.is_passing = True


def pass_over_what_came_since() -> None:
    """Exclude objects loaded later too, if others are excluded already; leaves a user's process unchanged."""
    if _state.is_passing:
        pass_over_what_is_loaded()


@contextmanager
def passing_over_what_is_loaded() -> Iterator[None]:
    """Exclude all current objects until the block ends, unless a user has frozen some in this process already."""
    if gc.get_freeze_count():
        yield
        return
    pass_over_what_is_loaded()
    try:
        yield
    finally:
        gc.unfreeze()
        _state.is_passing = False
