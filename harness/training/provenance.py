"""Where a run's numbers come from: data digest, package versions, the state of the source tree."""

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
    """SHA-256 over every example of every split."""
    digest = hashlib.sha256(repr(splits.labels).encode())
    for examples in (splits.train, splits.validation, splits.test):
        _feed(digest, examples)
    return digest.hexdigest()


def _feed(digest: Any, examples: Sequence[Any]) -> None:
    digest.update(b"split")
    for example in examples:
        digest.update(repr(example).encode("utf-8", "surrogatepass"))


def pretraining_of(config: Mapping[str, Any], *, fresh: bool) -> Pretraining | None:
    """How far `harness pretrain` had come with a checkpoint; None where its configuration does not say.

    Args:
        config: The content of its config.json.
        fresh: Whether the run had its architecture alone, with fresh weights.
    """
    try:
        found = Pretraining.model_validate(config[PRETRAINING])
    except (KeyError, ValidationError):  # Anybody's checkpoint may have something else of this name.
        return None
    return found.model_copy(update={"tokens": 0}) if fresh else found


def package_versions() -> dict[str, str]:
    """The version of each package that the numbers depend on."""
    return {name: found for name in _PACKAGES if (found := _version(name)) is not None}


@cache
def _version(package: str) -> str | None:
    """The version that is installed; a process that has imported a package keeps the version that it has."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def git_state() -> tuple[str | None, bool | None]:
    """The commit of the source tree and whether it has local changes; None where it is no checkout.

    It is looked at once: a process keeps the code that it has imported. An installed copy may lie inside the checkout
    of something else, whose commit says nothing about us.
    """
    if not (_ROOT / "pyproject.toml").is_file():
        return None, None
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None, None
    return commit, bool(_git("status", "--porcelain"))


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
