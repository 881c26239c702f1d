"""Checksums of the user's own files that a run reads besides its data: checkpoints, tokenizers, metric scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.checksums import file_digest
from harness.config.model import ModelConfig
from harness.config.run import RunConfig
from harness.errors import UserError
from harness.metrics.metric import script_of

# Files that transformers reads for a configuration or a tokenizer; weights are handled separately.
_READ = frozenset({".json", ".txt", ".model", ".vocab", ".codes", ".bpe", ".spm", ".tokenizer", ".tiktoken"})
# Logs of transformers' Trainer, which have no effect.
_LOGS = frozenset(f"{name}.json" for name in ("trainer_state", *(f"{n}_results" for n in ("all", "train", "eval"))))


def weights_fingerprint(model: ModelConfig) -> str:
    """SHA-256 of the safetensors of a checkpoint in a local folder; "" if no weights are read from one.

    A Hub id is identified by its revision, and a package by its version.

    Raises:
        UserError: If a file can't be read.
    """
    if model.checkpoint is None or model.init == "random" or not Path(model.checkpoint).is_dir():
        return ""
    total = hashlib.sha256()
    for file in sorted(Path(model.checkpoint).glob("*.safetensors")):
        total.update(bytes.fromhex(_digest(file)))
    return total.hexdigest()


def model_files(model: ModelConfig) -> dict[str, str]:
    """The SHA-256 of each other file of the model, as "checkpoint/NAME" or "tokenizer/NAME".

    For a package it is the version, as "package/NAME". Files from the Hub are not included.

    Raises:
        UserError: If a file can't be read.
    """
    found: dict[str, str] = {}
    for part, name in (("checkpoint", model.checkpoint), ("tokenizer", model.tokenizer)):
        if name is None:
            continue
        if name.startswith("package:"):
            found |= _package_version(name.removeprefix("package:").partition("/")[0])
        elif name != "trained" and Path(name).is_dir():
            found |= {f"{part}/{file}": digest for file, digest in files_read(Path(name)).items()}
    return found


def files_read(folder: Path) -> dict[str, str]:
    """The SHA-256, by name, of each file in a folder that transformers reads for a configuration or a tokenizer.

    Raises:
        UserError: If a file can't be read.
    """
    files = sorted(file for file in folder.iterdir() if file.suffix in _READ and file.name not in _LOGS)
    return {file.name: _digest(file) for file in files}


def script_files(metrics: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each script of an `evaluate` metric and of the files next to it that it mentions.

    The keys are "metrics/NAME".

    Raises:
        UserError: If a file can't be read.
    """
    scripts = [script for name in metrics if (script := script_of(name)) is not None]
    return {f"metrics/{file.name}": _digest(file) for script in scripts for file in (script, *_imported(script))}


def check_unchanged(config: RunConfig) -> None:
    """Check that the files of the model and of the metrics are those that a run was planned with.

    Raises:
        UserError: If one is missing, new or different, or can't be read.
    """
    model = config.model
    found = {**model_files(model), **script_files(config.metrics)}
    changed = [name for name in sorted({*found, *config.files}) if found.get(name) != config.files.get(name)]
    if weights_fingerprint(model) != config.weights:
        changed.append("the weights")
    if changed:
        raise UserError(
            f"{model.checkpoint or model.tokenizer or config.task}: changed since the run was planned "
            f"({', '.join(changed)}). Run the command again."
        )


def _imported(script: Path) -> Iterator[Path]:
    """Files next to a script whose names occur in it, because it may import them."""
    text = script.read_text(encoding="utf-8", errors="replace")
    for file in sorted(script.parent.glob("*.py")):
        if file != script and file.stem in text:
            yield file


def _package_version(name: str) -> dict[str, str]:
    try:
        return {f"package/{name}": version(name)}
    except PackageNotFoundError:  # Reported where its files are looked for.
        return {}


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). Make it readable, or remove it.") from error
