"""Folders in the user's cache that are whole or not there, and that no two processes make at once."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.cache import alone, cache_folder
from harness.errors import UserError


def key(*parts: Any) -> str:
    """A name for what depends on the parts, all of which JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def kept(name: str, build: Callable[[Path], None]) -> Path:
    """The folder called `name`; where there is none, `build` fills it, and it is moved into place when it is whole.

    Raises:
        UserError: The cache can't be written to.
    """
    entry = cache_folder("corpora") / name
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if entry.is_dir():
            return entry
        with alone(entry.with_suffix(".lock")):
            if not entry.is_dir():  # Another process may have made it meanwhile.
                partial = entry.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(mode=0o700)
                build(partial)
                partial.rename(entry)
    except OSError as error:
        raise UserError(
            f"{entry.parent}: texts can't be kept ({error.strerror or error}). "
            "Make room, or name another folder in HARNESS_CACHE."
        ) from error
    return entry
