"""What other libraries read from the environment, set before they are imported."""

from __future__ import annotations

import os
import warnings


def prepare_libraries() -> None:
    """No progress bars of others between ours, and threads that spin little."""
    # A thread that spins while it waits takes the core from the one it waits for, wherever other work runs too.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
