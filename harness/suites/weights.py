"""Weights in a folder of the user's, told apart by content: the next training may have replaced them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.config.model import ModelConfig


def weights_fingerprint(model: ModelConfig) -> str:
    """SHA-256 over the safetensors of a checkpoint in a folder; "" where no weights are read from one.

    A Hub id and a package don't change what they stand for, or say so: by revision and by version.
    """
    if model.checkpoint is None or model.init == "random" or not Path(model.checkpoint).is_dir():
        return ""
    total = hashlib.sha256()
    for file in sorted(Path(model.checkpoint).glob("*.safetensors")):
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
