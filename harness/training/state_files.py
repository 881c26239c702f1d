"""Files of a run's state: safetensors and JSON, with checksums."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.checksums import CHECKSUMS, check_seal, seal

FORM = 2  # The format of states; the first one had no checksums.
_TENSORS, _FACTS = "state.safetensors", "state.json"


def write_state(
    folder: Path, step: int, tensors: dict[str, Tensor], facts: dict[str, Any], parts: Sequence[int] = ()
) -> None:
    """Write a state atomically and delete older ones.

    Args:
        folder: The folder of the states.
        step: The step of the state, by which it is named.
        tensors: The tensors of the main process, or all.
        facts: Everything other than tensors.
        parts: Other processes that have written their shards.

    Raises:
        OSError: If it cannot be written.
    """
    beside = folder / ".writing"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        with writing_tensors(beside):
            save_file(tensors, beside / _TENSORS)
        for process in parts:
            _part(folder, process).rename(beside / _tensors_of(process))
        (beside / _FACTS).write_text(json.dumps(facts))
        seal(beside)
        target = folder / f"step-{step:09d}"
        older = [old for old in folder.glob("step-*") if old != target]
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    for old in older:
        shutil.rmtree(old, ignore_errors=True)


def write_part(folder: Path, process: int, tensors: dict[str, Tensor]) -> None:
    """Write a process's shard of a sharded model's state, which the main process adds to the whole.

    Raises:
        OSError: If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with writing_tensors(folder):
        save_file(tensors, _part(folder, process))


def _part(folder: Path, process: int) -> Path:
    return folder / f".part-{process}"


def _tensors_of(process: int) -> str:
    return _TENSORS if process == 0 else f"state-{process}.safetensors"


@contextmanager
def writing_tensors(folder: Path) -> Iterator[None]:
    """Convert errors of safetensors, as on a full disk, to an OSError that names the folder."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error).rstrip("."), str(folder)) from error


def newest_state(folder: Path, process: int) -> tuple[tuple[dict[str, Tensor], dict[str, Any]] | None, list[str]]:
    """Return tensors and facts of the newest complete state, and the names of newer ones that are damaged.

    Args:
        folder: The folder of the states.
        process: The process whose shard to read, if the model is sharded.
    """
    damaged: list[str] = []
    for state in sorted(folder.glob("step-*"), reverse=True):
        try:
            return _read(state, process), damaged
        except (OSError, ValueError, RecursionError, SafetensorError):
            damaged.append(state.name)
    return None, damaged


def _read(state: Path, process: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a state's tensors and facts; the first format is not verified, as it has no checksums.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is damaged.
    """
    if (state / CHECKSUMS).exists():
        check_seal(state)
    facts = json.loads((state / _FACTS).read_bytes())
    if not isinstance(facts, dict) or ("form" in facts and not (state / CHECKSUMS).exists()):
        raise ValueError(f"{state}: not whole")
    whose = process if facts.get("sharded") and process < facts.get("processes", 1) else 0
    return load_file(state / _tensors_of(whose)), facts
