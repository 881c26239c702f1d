"""Folders in the user's cache that are whole or not there, and that no two processes make at once."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from harness.cache import alone, cache_folder, sweep_partial
from harness.checksums import check_seal, seal
from harness.errors import UserError

Found = TypeVar("Found")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def key(*parts: Any) -> str:
    """A name for what depends on the parts, all of which JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def code_digest(root: Path, patterns: Sequence[str]) -> str:
    """SHA-256 of the files below `root` that match, names and contents."""
    digest = hashlib.sha256()
    for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def build_or_load(name: str, build: Callable[[Path], None], read: Callable[[Path], Found]) -> Found:
    """What is in the folder called `name`; where there is none, it is made first.

    Args:
        name: The folder's name, which says all that its content depends on.
        build: Fills an empty folder, which is moved into place once that is done. What a killed process left is begun
            anew.
        read: Gives what is in the folder, whose files are as they were made. An OSError or ValueError means that there
            is something else in it.

    Raises:
        UserError: The cache can't be written to.
    """
    entry = cache_folder("corpora") / name
    if (found := _read(entry, read)) is not None:
        return found
    with _errors_explained(entry.parent, any_error=True):
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry.with_suffix(".lock").touch()
    with alone(entry.with_suffix(".lock")):
        found = _read(entry, read)  # Another process may have made it meanwhile.
        if found is None:
            _make(entry, build)
            found = read(entry)
    return found


def _read(entry: Path, read: Callable[[Path], Found]) -> Found | None:
    try:
        check_seal(entry)
        return read(entry)
    except (OSError, ValueError):
        return None


def _make(entry: Path, build: Callable[[Path], None]) -> None:
    """Leave an entry that is whole, or none."""
    partial = entry.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(entry, ignore_errors=True)  # A damaged one.
    try:
        with _errors_explained(entry.parent, any_error=False):
            partial.mkdir(mode=0o700)
            build(partial)
            seal(partial)
            partial.rename(entry)
            sweep_partial(entry.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _errors_explained(folder: Path, *, any_error: bool) -> Iterator[None]:
    """Tell the user that the cache can't be written to: for any error, or for a full disk alone."""
    try:
        yield
    except OSError as error:
        if not any_error and error.errno not in _FULL:
            raise
        raise UserError(
            f"{folder}: texts can't be kept ({error.strerror or error}). "
            "Make room, or name another folder in HARNESS_CACHE."
        ) from error
