"""Keep Python's search for unused objects from what was imported, which stays in use anyway.

Half a million objects stand behind torch and transformers, and a search through all of them takes a quarter of a second
of the processor: as much as fitting a simple baseline, and some of what a short training takes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

_state = SimpleNamespace(is_passing=False)


def pass_over_what_is_loaded() -> None:
    """Have later searches pass over what this process holds by now. For processes of our own: nothing is undone."""
    gc.collect()  # What is unused by now would never be found again.
    gc.freeze()
    _state.is_passing = True


def pass_over_what_came_since() -> None:
    """The same of what was loaded later, where one of these two is at work; a user's process stays as it is."""
    if _state.is_passing:
        pass_over_what_is_loaded()


@contextmanager
def passing_over_what_is_loaded() -> Iterator[None]:
    """The same until the block ends, in a process that may be a user's, who may have frozen something already."""
    if gc.get_freeze_count():
        yield
        return
    pass_over_what_is_loaded()
    try:
        yield
    finally:
        gc.unfreeze()
        _state.is_passing = False
