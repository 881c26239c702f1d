"""Checksums of files and JSON documents, to detect damage before they are used."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.atomic_writes import write_atomically
from harness.cache import sweep_partial
from harness.errors import UserError

CHECKSUMS = "checksums.json"
KEY = "sha256"  # The key of a document's own digest.
_AGAIN = "Do the run again with --redo."


def file_digest(file: Path) -> str:
    """The SHA-256 of a file's content.

    Raises:
        OSError: If it can't be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_digests(folder: Path, *, leave_out: Collection[str] = ()) -> dict[str, str]:
    """The SHA-256 of every file below a folder by relative path, without files of the given names."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name not in leave_out)
    return {file.relative_to(folder).as_posix(): file_digest(file) for file in files}


def seal(folder: Path) -> None:
    """Write the checksums of a folder's files to a file in it."""
    (folder / CHECKSUMS).write_text(json.dumps(folder_digests(folder, leave_out=(CHECKSUMS,))), encoding="utf-8")


@contextmanager
def sealed_entry(entry: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces a cache entry when the block ends, with checksums; if it fails, none is left.

    The caller holds the entry's lock.
    """
    partial = entry.with_suffix(".partial")
    for left in (partial, entry):  # Of a killed process, or damaged.
        shutil.rmtree(left, ignore_errors=True)
    try:
        partial.mkdir(mode=0o700)
        yield partial
        seal(partial)
        partial.rename(entry)
        sweep_partial(entry.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_seal(folder: Path) -> None:
    """Check that a folder's files are those that were sealed.

    Raises:
        OSError: If the folder does not exist or was never sealed.
        ValueError: If a file is damaged, missing or new.
    """
    sealed = json.loads((folder / CHECKSUMS).read_bytes())
    found = folder_digests(folder, leave_out=(CHECKSUMS,))
    if sealed != found:
        known = sealed if isinstance(sealed, Mapping) else {}
        names = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
        raise ValueError(f"{folder}: {', '.join(names)}: not as written")


def check_files(folder: Path, files: Mapping[str, str], name: str) -> None:
    """Check that the files that a run left match its record: the file `name`, or all files in that folder.

    Args:
        folder: The folder of the run.
        files: The SHA-256 of files by path, from the record; empty for records of earlier versions.
        name: A file such as "predictions.parquet", or a folder such as "checkpoint".

    Raises:
        UserError: If a file is missing or different.
    """
    for path, digest in files.items():
        if path == name or path.startswith(f"{name}/"):
            _check_file(folder, path, digest)


def _check_file(folder: Path, path: str, digest: str) -> None:
    file = folder / path
    if ".." in Path(path).parts or not file.is_file():
        raise UserError(f"{file}: no such file in the run's folder, but its record names it. {_AGAIN}")
    try:
        found = file_digest(file)
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). {_AGAIN}") from error
    if found != digest:
        raise UserError(
            f"{file}: damaged, or of another run: its SHA-256 is {found[:12]}…, and the record says {digest[:12]}…. "
            f"{_AGAIN}"
        )


def with_digest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Add its own SHA-256 to a JSON document, independent of whitespace."""
    return {**document, KEY: _digest(document)}


def write_document(file: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document with its own SHA-256 atomically."""
    write_atomically(file, json.dumps(with_digest(document), indent=1, ensure_ascii=False).encode())


def without_digest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Check and remove the digest of `with_digest`. A document of an earlier version without one is returned as it is.

    Raises:
        ValueError: If the document was changed.
    """
    content = {key: value for key, value in document.items() if key != KEY}
    if KEY in document and document[KEY] != _digest(content):
        raise ValueError("its content does not match the SHA-256 in it")
    return content


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
