"""Folders in the user's cache: each is complete or absent, and is built by one process at a time."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from harness.cache import alone, cache_folder
from harness.checksums import check_seal, sealed_entry
from harness.errors import UserError

Found = TypeVar("Found")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def key(*parts: Any) -> str:
    """Return a name for a result that depends on the parts, which must be serialisable as JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def code_digest(root: Path, patterns: Sequence[str]) -> str:
    """Return the SHA-256 of the names and contents of the matching files below `root`."""
    digest = hashlib.sha256()
    for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def build_or_load(name: str, build: Callable[[Path], None], read: Callable[[Path], Found]) -> Found:
    """Read the cached folder called `name`, and build it first if there is none.

    Args:
        name: The folder's name, derived from everything that its content depends on.
        build: Fills an empty folder, which is moved into place when complete. The unfinished folder of a killed process
            is discarded.
        read: Reads the folder, once its checksums have been verified. An OSError or ValueError means that the content
            is unusable: the folder is built anew.

    Raises:
        UserError: If the cache can't be written to.
    """
    entry = cache_folder("corpora") / name
    if (found := _read(entry, read)) is not None:
        return found
    with _errors_explained(entry.parent, any_error=True):
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry.with_suffix(".lock").touch()
    with alone(entry.with_suffix(".lock")):
        found = _read(entry, read)  # Another process may have built it meanwhile.
        if found is None:
            with _errors_explained(entry.parent, any_error=False), sealed_entry(entry) as partial:
                build(partial)
            found = read(entry)
    return found


def _read(entry: Path, read: Callable[[Path], Found]) -> Found | None:
    try:
        check_seal(entry)
        return read(entry)
    except (OSError, ValueError):
        return None


@contextmanager
def _errors_explained(folder: Path, *, any_error: bool) -> Iterator[None]:
    """Convert an OSError into a UserError about the cache: any one, or only that of a full disk."""
    try:
        yield
    except OSError as error:
        if not any_error and error.errno not in _FULL:
            raise
        raise UserError(
            f"{folder}: texts can't be kept ({error.strerror or error}). "
            "Make room, or name another folder in HARNESS_CACHE."
        ) from error
