"""Run in a user's process, such as a notebook, and leave it unchanged."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from transformers.utils import logging

from harness.environment import prepare_libraries, unchanged_environment
from harness.ops.freed_memory import stop_keeping_freed_memory


@contextmanager
def unchanged_process() -> Iterator[None]:
    """Restore the state of this process after the block, however it is left.

    This covers the environment, warning filters, the random number generators of Python, numpy and torch, torch's
    number of threads, the singletons of accelerate, and the verbosity of transformers. Inside, libraries are as quiet
    as on the command line. Imported modules stay imported.
    """
    with unchanged_environment(), _unchanged_generators(), _unchanged_singletons(), _quiet_transformers():
        prepare_libraries()
        threads = torch.get_num_threads()
        try:
            yield
        finally:
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            stop_keeping_freed_memory()


@contextmanager
def _unchanged_generators() -> Iterator[None]:
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if gpus is not None:
            torch.cuda.set_rng_state_all(gpus)
        elif torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(torch.initial_seed())  # Their initial state, had the block not used them.


@contextmanager
def _unchanged_singletons() -> Iterator[None]:
    """Existing Accelerators share these dictionaries, so they are refilled rather than replaced."""
    shared = [state._shared_state for state in (PartialState, AcceleratorState, GradientState)]
    before = [dict(state) for state in shared]
    try:
        yield
    finally:
        for state, content in zip(shared, before, strict=True):
            state.clear()
            state.update(content)


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Silence transformers if it was imported before the environment was set."""
    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()
