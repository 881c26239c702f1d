"""The files of a run's state: safetensors and JSON, under checksums."""

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

FORM = 2  # Of a saved state; the first one had no checksums.
_TENSORS, _FACTS = "state.safetensors", "state.json"


def write_state(
    folder: Path, step: int, tensors: dict[str, Tensor], facts: dict[str, Any], parts: Sequence[int] = ()
) -> None:
    """Write a state, whole or not at all, and drop the older ones.

    Args:
        folder: Where states are.
        step: Its name.
        tensors: The main process's, or all.
        facts: What is no tensor.
        parts: Other processes, which have written their own.

    Raises:
        OSError: It can't be written.
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
    """Write what a process has of a sharded model's state, for the main one to take it into the whole.

    Raises:
        OSError: It can't be written.
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
    """What safetensors can't write, as on a full disk, is an OSError that names the folder."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error).rstrip("."), str(folder)) from error


def newest_state(folder: Path, process: int) -> tuple[tuple[dict[str, Tensor], dict[str, Any]] | None, list[str]]:
    """Tensors and facts of the newest state that is whole, and the names of newer ones that are not.

    Args:
        folder: Where states are.
        process: Whose part is read of a sharded model's state.
    """
    damaged: list[str] = []
    for state in sorted(folder.glob("step-*"), reverse=True):
        try:
            return _read(state, process), damaged
        except (OSError, ValueError, RecursionError, SafetensorError):
            damaged.append(state.name)
    return None, damaged


def _read(state: Path, process: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A state's tensors and facts, as they were written; of its first form, which had no checksums, as they are.

    Raises:
        OSError: A file is missing.
        ValueError: A file is damaged.
    """
    if (state / CHECKSUMS).exists():
        check_seal(state)
    facts = json.loads((state / _FACTS).read_bytes())
    if not isinstance(facts, dict) or ("form" in facts and not (state / CHECKSUMS).exists()):
        raise ValueError(f"{state}: not whole")
    whose = process if facts.get("sharded") and process < facts.get("processes", 1) else 0
    return load_file(state / _tensors_of(whose)), facts
