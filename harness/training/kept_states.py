"""Cache the states of texts in a frozen model.

The name of an entry is a digest of all that it depends on: the weights, the token ids, how they are read, and the
library versions. An entry thus serves every probe with the same texts, model and labels, and is never outdated.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from harness.cache import alone, cache_folder
from harness.checksums import check_seal, sealed_entry
from harness.config.training import Training
from harness.tokenization.items import Item

FORM = "1"  # Increased whenever the file format or the computation changes.
_FILE = "states.npy"
_HOW_READ = ("precision", "execution", "strategy", "segment", "memory", "pool", "micro_batch_size")
_log = logging.getLogger(__name__)

States = NDArray[np.float32]


def weights_name(model: Any, training: Training) -> str:
    """Return a digest of the model, all its weights, and how it reads texts."""
    how = {name: getattr(training, name) for name in _HOW_READ}
    facts = [FORM, torch.__version__, transformers.__version__, str(model.device), how, model.config.to_json_string()]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def kept_states(weights: str, items: Sequence[Item], read: Callable[[], States]) -> tuple[States, bool]:
    """Return the states of texts [texts, width], and whether they were cached.

    Args:
        weights: The result of `weights_name`.
        items: The encoded texts.
        read: Computes the states.
    """
    if os.environ.get("HARNESS_FEATURES") == "0":
        return read(), False
    entry = cache_folder("states") / _key(weights, items)
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(entry.with_suffix(".lock")):  # Another process may be computing them.
            found = _read(entry, len(items))
            if found is not None:
                return found, True
            found = read()
            with sealed_entry(entry) as partial:
                np.save(partial / _FILE, found)
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


def _read(entry: Path, count: int) -> States | None:
    """Read an entry, or return None if it is missing or damaged."""
    try:
        check_seal(entry)
        states: States = np.load(entry / _FILE, allow_pickle=False)
    except (FileNotFoundError, NotADirectoryError, ValueError, EOFError):
        return None
    return states if len(states) == count else None
