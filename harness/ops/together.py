"""Processes that were launched together; found without importing torch if there is only one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Protocol

# Variables set by launchers: accelerate, torchrun, and those of MPI that accelerate.state.PartialState reads.
_LAUNCHED = ("LOCAL_RANK", "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


class Together(Protocol):
    """The part of accelerate's PartialState that is used.

    Attributes:
        num_processes: Number of processes.
        is_main_process: Whether this is the process that writes for all.
    """

    num_processes: int
    is_main_process: bool

    def wait_for_everyone(self) -> None:
        """Wait until all processes have reached this point."""

    def main_process_first(self) -> AbstractContextManager[None]:
        """Make the other processes wait until the main one has left the block."""


class Alone:
    """A process that was launched alone."""

    num_processes = 1
    is_main_process = True

    def wait_for_everyone(self) -> None:
        """Return at once."""

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """Enter the block at once."""
        yield


def processes() -> Together:
    """Return the processes that were launched together, and the rank of this one."""
    if not _is_launched() and find_spec("torch_xla") is None:  # The processes of a TPU's cores set no variable.
        return Alone()
    from harness.ops.device import together  # noqa: PLC0415 -- imports torch

    return together()


def _is_launched() -> bool:
    return any(name in _LAUNCHED or name.startswith("ACCELERATE_") for name in os.environ)
