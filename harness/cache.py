"""The user's cache: computed data by kind, such as encoded texts, one folder per kind.

Everything in it can be computed again, so everything may be removed at any time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SCRATCH, SETTLED_SECONDS = "harness-scratch-", 60.0
KINDS = {
    "texts": "texts, encoded",
    "states": "texts, as frozen models read them",
    "native": "kernels, compiled",
    "corpora": "texts to pretrain on",
}


@dataclass(frozen=True)
class CachedFiles:
    """The cached files of one kind.

    Attributes:
        folder: Their folder.
        what: A description for users.
        files: Number of files.
        bytes: Total size.
    """

    folder: Path
    what: str
    files: int
    bytes: int


def cache_folder(kind: str) -> Path:
    """The folder of a kind of cached data: below HARNESS_CACHE, or in the system's cache folder of the user."""
    assert kind in KINDS, kind
    caches = os.environ.get("HARNESS_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches).absolute() / "finetune-harness" / kind


def cached() -> list[CachedFiles]:
    """The cached data by kind; files that disappear meanwhile are ignored."""
    found = []
    for kind, what in KINDS.items():
        folder = cache_folder(kind)
        sizes = [file.lstat().st_size for file in folder.rglob("*") if file.is_file()]
        found.append(CachedFiles(folder, what, len(sizes), sum(sizes)))
    return found


def clear() -> None:
    """Clear the cache. A run that reads from it continues; one that writes to it caches nothing."""
    for kind in KINDS:
        shutil.rmtree(cache_folder(kind), ignore_errors=True)


def sweep_partial(folder: Path) -> None:
    """Remove incomplete cache entries of killed processes; an entry in progress has a locked file."""
    for partial in folder.glob("*.partial"):
        with partial.with_suffix(".lock").open("w") as lock, _tried(lock.fileno()) as free:
            if free:
                shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder, after removing those of killed processes."""
    _sweep_scratch(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name, _tried_folder(Path(name)):
        yield Path(name)


def _sweep_scratch(folder: Path) -> None:
    for left in folder.glob(f"{SCRATCH}*"):
        with suppress(OSError):  # Another user's, or gone meanwhile.
            if _is_settled(left):
                with _tried_folder(left) as free:
                    if free:
                        shutil.rmtree(left)


def _is_settled(folder: Path) -> bool:
    """Return whether it is a folder of this user that was not made just now, and so is locked if it is in use."""
    facts = folder.lstat()
    is_ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
    return is_ours and time.time() - facts.st_mtime > SETTLED_SECONDS


@contextmanager
def _tried_folder(folder: Path) -> Iterator[bool]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        with _tried(opened) as free:
            yield free
    finally:
        os.close(opened)


@contextmanager
def _tried(opened: int) -> Iterator[bool]:
    """Yield whether an open file or folder could be locked; the lock lasts until it is closed."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Exclude other processes from the block; the lock ends with the process that holds it.

    Raises:
        OSError: If locking is not possible here.
    """
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
