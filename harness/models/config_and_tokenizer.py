"""Load configurations and tokenizers of checkpoints. Code in a checkpoint is never run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import CONFIG_MAPPING, AutoConfig, AutoTokenizer, PreTrainedConfig

from harness.errors import UserError, nearest
from harness.models.checkpoint import PICKLED_VOCABULARIES, Checkpoint

# Errors that libraries raise for invalid configurations, such as zero heads, negative sizes or too little memory.
IMPOSSIBLE = (ValueError, TypeError, KeyError, ArithmeticError, RuntimeError, StrictDataclassError)
# Without a vocabulary, transformers creates tokenizers with special tokens and at most two others.
_OTHERS_WITHOUT_A_VOCABULARY = 2
_SETTINGS = {"config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json"}
_WEIGHTS = (".safetensors", ".index.json", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".md")


def read_config(checkpoint: Checkpoint, architecture: Mapping[str, Any]) -> Any:
    """Load the configuration of `checkpoint`, overridden by the settings of `architecture`.

    Raises:
        UserError: If transformers does not know the architecture, or a setting is invalid.
    """
    content = checkpoint.config()
    model_type = content["model_type"]
    if model_type not in CONFIG_MAPPING:
        reason = (
            "comes with its own code, which is never run" if "auto_map" in content else "is unknown to transformers"
        )
        raise UserError(f"{checkpoint.name}: its architecture {model_type!r} {reason}. Choose another checkpoint.")
    check_architecture(model_type, architecture)
    try:
        return AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False, **architecture)
    except (ValueError, TypeError, KeyError, StrictDataclassError) as error:
        raise UserError(f"{checkpoint.name}: its config.json can't be read ({on_one_line(error)}).") from error


def made_config(model_type: str, settings: Mapping[str, Any], where: str) -> Any:
    """Create the configuration of a model without a checkpoint.

    Raises:
        UserError: If a setting has a wrong type or value.
    """
    try:
        return AutoConfig.for_model(model_type, **settings)
    except IMPOSSIBLE as error:
        raise UserError(f"{where}: these settings are invalid ({on_one_line(error)}).") from error


def check_architecture(model_type: str, architecture: Mapping[str, Any]) -> None:
    """Reject settings that the architecture lacks, which transformers would accept and ignore.

    Raises:
        UserError: If there are any; lists all of them.
    """
    if not architecture:
        return
    known = AutoConfig.for_model(model_type)
    unknown = [name for name in architecture if not hasattr(known, name)]
    if unknown:
        raise UserError(
            *(
                f"architecture.{name}: no setting of a {model_type} configuration.{nearest(name, vars(known))}"
                for name in unknown
            )
        )


def set_dropout(config: Any, dropout: float | None) -> None:
    """Set every dropout probability of the configuration and of those in it, unless `dropout` is None."""
    if dropout is None:
        return
    for name, value in list(vars(config).items()):
        if isinstance(value, PreTrainedConfig):  # As of an encoder and of a decoder.
            set_dropout(value, dropout)
        elif ("dropout" in name or name.endswith(("dropatt", "pdrop"))) and type(value) in (int, float):
            config.update({name: dropout})


def check_vocabulary(name: str, config: Any, tokenizer: Any) -> None:
    """Reject a tokenizer with more tokens than the model has embeddings.

    Raises:
        UserError: If the vocabulary is larger than the embedding matrix.
    """
    rows = getattr(config, "vocab_size", None)
    if rows is not None and len(tokenizer) > rows:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer)} tokens, but the model's vocab_size is {rows}. "
            "They don't belong to the same checkpoint."
        )


def read_tokenizer(checkpoint: Checkpoint) -> Any:
    """Load the tokenizer of `checkpoint`. It is checked after loading, since its files can have any name.

    Raises:
        UserError: If there is none, or it cannot be read.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False)
    except Exception as error:  # The tokenizers library raises nothing narrower of a damaged file.
        if _lacks_vocabulary(checkpoint):
            raise UserError(_no_vocabulary(checkpoint)) from error
        raise UserError(
            f"{checkpoint.name}: its tokenizer can't be read ({on_one_line(error)}). Copy its files again; "
            "a tokenizer with its own code can't be used, because such code is never run."
        ) from error
    if len(tokenizer) - len(tokenizer.all_special_ids) <= _OTHERS_WITHOUT_A_VOCABULARY:
        raise UserError(_no_vocabulary(checkpoint))
    return tokenizer


def _lacks_vocabulary(checkpoint: Checkpoint) -> bool:
    """Whether the folder has only weights and settings."""
    return {file.name for file in checkpoint.folder.iterdir() if not file.name.endswith(_WEIGHTS)} <= _SETTINGS


def _no_vocabulary(checkpoint: Checkpoint) -> str:
    if any((checkpoint.folder / name).is_file() for name in PICKLED_VOCABULARIES):
        return (
            f"{checkpoint.name}: its vocabulary is a pickle, which can run code and is never loaded. "
            f"Run: harness convert {shlex.quote(str(checkpoint.folder))} --output NEW, then use NEW."
        )
    return (
        f"{checkpoint.name}: no tokenizer in {checkpoint.folder}. Copy its tokenizer files there, "
        "or name another checkpoint's with `tokenizer` in the model file."
    )


def on_one_line(error: Exception) -> str:
    """Format an error of a library for one of our messages."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
