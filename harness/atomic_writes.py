"""Write files atomically, even if the process is killed."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil

UNFINISHED_SECONDS = 60.0


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file next to `path`, flush it to disk, and move it into place.

    Raises:
        OSError: If it can't be written; the error names `path`, not the temporary file.
    """
    # Processes on two machines that share a disk may have the same id; those in containers mostly do.
    beside = path.with_name(f".{path.name}.{uuid4().hex}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def sweep_unfinished_writes(folder: Path) -> None:
    """Remove temporary files of killed processes from a folder, but never one that may still be in use."""
    for file in folder.glob(".*"):
        process = file.suffix.removeprefix(".")
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > UNFINISHED_SECONDS:  # It may be another machine's.
                    file.unlink()
