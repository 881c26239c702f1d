"""States of texts, as a frozen model reads them, kept in the user's cache.

An entry is named after what it depends on: the weights, the token ids, how they are read, and the libraries' versions.
So it serves every probe that reads the same texts with the same model and labels, and is never out of date.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from harness.cache import alone, cache_folder, sweep_partial
from harness.checksums import check_seal, seal
from harness.config.training import Training
from harness.tokenization.items import Item

FORM = "1"  # Raised whenever an entry's file changes its form, or states are computed otherwise.
_FILE = "states.npy"
_HOW_READ = ("precision", "execution", "strategy", "segment", "memory", "pool", "micro_batch_size")
_log = logging.getLogger(__name__)

States = NDArray[np.float32]


def weights_name(model: Any, training: Training) -> str:
    """A digest of the model, of all of its weights, and of how texts are read with it."""
    how = {name: getattr(training, name) for name in _HOW_READ}
    facts = [FORM, torch.__version__, transformers.__version__, str(model.device), how, model.config.to_json_string()]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def kept_states(weights: str, items: Sequence[Item], read: Callable[[], States]) -> tuple[States, bool]:
    """The states of texts [texts, width], and whether they were kept by an earlier call.

    Args:
        weights: What `weights_name` gives.
        items: The texts, as the model reads them.
        read: Computes the states.
    """
    if os.environ.get("HARNESS_FEATURES") == "0":
        return read(), False
    entry = cache_folder("states") / _key(weights, items)
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(entry.with_suffix(".lock")):  # Another process may be making it.
            found = _read(entry, len(items))
            if found is not None:
                return found, True
            found = read()
            _write(found, entry)
            return found, False
    except OSError as error:
        _log.warning("%s: states are not kept (%s). HARNESS_CACHE names another folder.", entry.parent, error)
        return read(), False


def _key(weights: str, items: Sequence[Item]) -> str:
    digest = hashlib.sha256(weights.encode())
    for item in items:
        digest.update(
            json.dumps([[list(window.input_ids), list(window.token_type_ids)] for window in item.windows]).encode()
        )
    return digest.hexdigest()[:40]


def _write(states: States, entry: Path) -> None:
    """Leave an entry that is whole, or none."""
    partial = entry.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(entry, ignore_errors=True)  # A damaged one.
    partial.mkdir(mode=0o700)
    np.save(partial / _FILE, states)
    seal(partial)
    partial.rename(entry)
    sweep_partial(entry.parent)


def _read(entry: Path, count: int) -> States | None:
    """What an entry holds; None where there is none that is whole."""
    try:
        check_seal(entry)
        states: States = np.load(entry / _FILE, allow_pickle=False)
    except (FileNotFoundError, NotADirectoryError, ValueError, EOFError):
        return None
    return states if len(states) == count else None
