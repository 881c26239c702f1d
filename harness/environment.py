"""What other libraries read from the environment: set before they are imported, and as it was afterwards."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def prepare_libraries() -> None:
    """No progress bars of others between ours, and threads that spin little."""
    # A thread that spins while it waits takes the core from the one it waits for, wherever other work runs too.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)


@contextmanager
def unchanged_environment() -> Iterator[None]:
    """What the block changes in the environment and in the filters of warnings is undone when it is left."""
    before = dict(os.environ)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})
