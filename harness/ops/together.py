"""The processes that were launched together, found out without torch where this one was launched alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Protocol

# What launchers set: accelerate's, torchrun, and those of MPI that accelerate reads (accelerate.state.PartialState).
_LAUNCHED = ("LOCAL_RANK", "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


class Together(Protocol):
    """What is asked of accelerate's PartialState."""

    @property
    def num_processes(self) -> int:
        """How many there are."""

    @property
    def is_main_process(self) -> bool:
        """Whether this is the one that writes for all."""

    def wait_for_everyone(self) -> None:
        """Go on when all have come here."""

    def main_process_first(self) -> AbstractContextManager[None]:
        """Let the others wait until the main one has left the block."""


class Alone:
    """A process that was launched by itself."""

    num_processes = 1
    is_main_process = True

    def wait_for_everyone(self) -> None:
        """Go on: nobody else comes."""

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """Go on: nobody waits."""
        yield


def processes() -> Together:
    """The processes that were launched together, and which of them this is."""
    if not _is_launched() and find_spec("torch_xla") is None:  # A TPU's cores are processes that no variable tells of.
        return Alone()
    from harness.ops.device import together  # noqa: PLC0415 -- imports torch

    return together()


def _is_launched() -> bool:
    return any(name in _LAUNCHED or name.startswith("ACCELERATE_") for name in os.environ)
