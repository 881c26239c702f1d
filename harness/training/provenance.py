"""Provenance of a run's numbers: data digest, package versions, and state of the source tree."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.data.task import Splits
from harness.record import PRETRAINING, Pretraining

_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "datasets",
    "evaluate",
    "sacrebleu",
    "rouge-score",
    "peft",
    "scikit-learn",
    "numpy",
    "scipy",
)
_ROOT = Path(__file__).parent.parent.parent


def data_digest(splits: Splits) -> str:
    """SHA-256 digest of all examples of all splits."""
    digest = hashlib.sha256(repr(splits.labels).encode())
    for examples in (splits.train, splits.validation, splits.test):
        _feed(digest, examples)
    return digest.hexdigest()


def _feed(digest: Any, examples: Sequence[Any]) -> None:
    digest.update(b"split")
    for example in examples:
        digest.update(repr(example).encode("utf-8", "surrogatepass"))


def pretraining_of(config: Mapping[str, Any], *, fresh: bool) -> Pretraining | None:
    """Return the progress of `harness pretrain` on a checkpoint, or None if its configuration has none.

    Args:
        config: The content of config.json.
        fresh: Whether the run used only the architecture, with random weights.
    """
    try:
        found = Pretraining.model_validate(config[PRETRAINING])
    except (KeyError, ValidationError):  # Other checkpoints may use the same key.
        return None
    return found.model_copy(update={"tokens": 0}) if fresh else found


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that affect results."""
    return {name: found for name in _PACKAGES if (found := _version(name)) is not None}


@cache
def _version(package: str) -> str | None:
    """Return the installed version. It is cached, as an imported package does not change within a process."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def git_state() -> tuple[str | None, bool | None]:
    """Return the commit of the source tree and whether it has local changes, each None if unknown.

    The result is cached, as imported code does not change within a process. An installed copy may be inside another
    project's checkout, whose commit would be meaningless here.
    """
    commit = _git("rev-parse", "HEAD") if (_ROOT / "pyproject.toml").is_file() else None
    if commit is None:
        return None, None
    changes = _git("status", "--porcelain")
    return commit, None if changes is None else bool(changes)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
