"""What is worked out once and kept in the user's cache: one folder per kind of thing, such as texts that were encoded.

All of it can be made again, so that all of it may be removed at any time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KINDS = {"texts": "texts, encoded", "native": "kernels, compiled", "corpora": "texts to pretrain on"}


@dataclass(frozen=True)
class CachedFiles:
    """What is kept of one kind.

    Attributes:
        folder: Where.
        what: In a user's words.
        files: How many.
        bytes: In all.
    """

    folder: Path
    what: str
    files: int
    bytes: int


def cache_folder(kind: str) -> Path:
    """Where things of a kind are kept: below HARNESS_CACHE, or where the system keeps a user's caches."""
    assert kind in KINDS, kind
    caches = os.environ.get("HARNESS_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches).absolute() / "finetune-harness" / kind


def cached() -> list[CachedFiles]:
    """What is kept, kind by kind; a file that goes meanwhile counts nothing."""
    found = []
    for kind, what in KINDS.items():
        folder = cache_folder(kind)
        sizes = [file.lstat().st_size for file in folder.rglob("*") if file.is_file()]
        found.append(CachedFiles(folder, what, len(sizes), sum(sizes)))
    return found


def clear() -> None:
    """Remove all that is kept. A run that reads it goes on; one that writes it keeps nothing."""
    for kind in KINDS:
        shutil.rmtree(cache_folder(kind), ignore_errors=True)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """No other process is inside at the same time; a lock goes with the process that holds it.

    Raises:
        OSError: There can be no lock here.
    """
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
