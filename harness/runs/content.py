"""What a run reads of the user's own beside its data, by content: checkpoints, tokenizers, scripts of metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.checksums import file_digest
from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.metrics.metric import script_of

# Files by which transformers reads a configuration or a tokenizer; weights are told apart on their own.
_READ = frozenset({".json", ".txt", ".model", ".vocab", ".codes", ".bpe", ".spm", ".tiktoken"})
# What transformers' Trainer leaves beside them, which changes nothing.
_LOGS = frozenset(f"{name}.json" for name in ("trainer_state", *(f"{n}_results" for n in ("all", "train", "eval"))))


def weights_fingerprint(model: ModelConfig) -> str:
    """SHA-256 over the safetensors of a checkpoint in a folder; "" where no weights are read from one.

    A Hub id and a package don't change what they stand for, or say so: by revision and by version.

    Raises:
        UserError: A file can't be read.
    """
    if model.checkpoint is None or model.init == "random" or not Path(model.checkpoint).is_dir():
        return ""
    total = hashlib.sha256()
    for file in sorted(Path(model.checkpoint).glob("*.safetensors")):
        total.update(bytes.fromhex(_digest(file)))
    return total.hexdigest()


def model_files(model: ModelConfig) -> dict[str, str]:
    """The SHA-256 of each other file that the model is made of, as "checkpoint/NAME" or "tokenizer/NAME".

    Of a package its version, as "package/NAME". What comes from the Hub is not among them.

    Raises:
        UserError: A file can't be read.
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
    """The SHA-256 of each file by which transformers reads a configuration or a tokenizer from a folder, by its name.

    Raises:
        UserError: A file can't be read.
    """
    files = sorted(file for file in folder.iterdir() if file.suffix in _READ and file.name not in _LOGS)
    return {file.name: _digest(file) for file in files}


def script_files(metrics: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each script of metrics of the `evaluate` library, and of what lies beside it and is named in it.

    They are called "metrics/NAME".

    Raises:
        UserError: A file can't be read.
    """
    scripts = [script for name in metrics if (script := script_of(name)) is not None]
    return {f"metrics/{file.name}": _digest(file) for script in scripts for file in (script, *_imported(script))}


def _imported(script: Path) -> Iterator[Path]:
    """Files beside a script whose names occur in it: it may import them."""
    text = script.read_text(encoding="utf-8", errors="replace")
    for file in sorted(script.parent.glob("*.py")):
        if file != script and file.stem in text:
            yield file


def _package_version(name: str) -> dict[str, str]:
    try:
        return {f"package/{name}": version(name)}
    except PackageNotFoundError:  # Told where its files are looked for.
        return {}


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). Make it readable, or remove it.") from error
