"""What a checkpoint holds beside its weights: configuration and tokenizer. Code that it brings is never run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import CONFIG_MAPPING, AutoConfig, AutoTokenizer

from harness.errors import UserError, nearest
from harness.models.checkpoint import Checkpoint

# What libraries raise of a configuration that makes no model, among them no heads, negative sizes, too little memory.
IMPOSSIBLE = (ValueError, TypeError, KeyError, ArithmeticError, RuntimeError, StrictDataclassError)
# Of a folder without a vocabulary, transformers makes tokenizers with special tokens and at most two others.
_OTHERS_WITHOUT_A_VOCABULARY = 2
_PICKLED_VOCABULARIES = ("vocab.pkl", "vocab.bin")  # of Transformer-XL
_SETTINGS = {"config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json"}
_WEIGHTS = (".safetensors", ".index.json", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".md")


def read_config(checkpoint: Checkpoint, architecture: Mapping[str, Any]) -> Any:
    """The transformers configuration of `checkpoint`, with the settings of `architecture` in it.

    Raises:
        UserError: transformers does not know the architecture, or one of its settings is wrong.
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
    """A transformers configuration of a model that is made from nothing.

    Args:
        model_type: Of the architecture.
        settings: In place of its defaults.
        where: What a message calls the model.

    Raises:
        UserError: A setting has a wrong type or value.
    """
    try:
        return AutoConfig.for_model(model_type, **settings)
    except IMPOSSIBLE as error:
        raise UserError(f"{where}: these settings make no model ({on_one_line(error)}).") from error


def check_architecture(model_type: str, architecture: Mapping[str, Any]) -> None:
    """Refuse settings that the architecture doesn't have: transformers would take them, and read them nowhere.

    Raises:
        UserError: Every such setting.
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
    """Set every dropout that the configuration has; None: they stay."""
    if dropout is not None:
        names = [name for name in vars(config) if "dropout" in name or name.endswith(("dropatt", "pdrop"))]
        config.update({name: dropout for name in names if isinstance(getattr(config, name), (int, float))})


def check_vocabulary(name: str, config: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer whose last tokens have no row in the model's embedding.

    Raises:
        UserError: It has more tokens than the embedding has rows.
    """
    rows = getattr(config, "vocab_size", None)
    if rows is not None and len(tokenizer) > rows:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer)} tokens, but the model's vocab_size is {rows}. "
            "They don't belong to the same checkpoint."
        )


def read_tokenizer(checkpoint: Checkpoint) -> Any:
    """The tokenizer of `checkpoint`, whatever its files are called, if any: it is judged by what was loaded.

    Raises:
        UserError: It has none, or one that can't be read.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False)
    except Exception as error:  # The tokenizers library raises nothing narrower of a damaged file.
        raise UserError(_unreadable_tokenizer(checkpoint, error)) from error
    if len(tokenizer) - len(tokenizer.all_special_ids) <= _OTHERS_WITHOUT_A_VOCABULARY:
        raise UserError(_no_vocabulary(checkpoint))
    return tokenizer


def _unreadable_tokenizer(checkpoint: Checkpoint, error: Exception) -> str:
    if _lacks_vocabulary(checkpoint):
        return _no_vocabulary(checkpoint)
    return (
        f"{checkpoint.name}: its tokenizer can't be read ({on_one_line(error)}). Copy its files again; "
        "a tokenizer with its own code can't be used, because such code is never run."
    )


def _lacks_vocabulary(checkpoint: Checkpoint) -> bool:
    """Whether the folder holds nothing but weights and settings."""
    return {file.name for file in checkpoint.folder.iterdir() if not file.name.endswith(_WEIGHTS)} <= _SETTINGS


def _no_vocabulary(checkpoint: Checkpoint) -> str:
    if any((checkpoint.folder / name).is_file() for name in _PICKLED_VOCABULARIES):
        return (
            f"{checkpoint.name}: its vocabulary is a pickle, which can run code and is never loaded. "
            f"Run: harness convert {shlex.quote(str(checkpoint.folder))} --output NEW, then use NEW."
        )
    return (
        f"{checkpoint.name}: no tokenizer in {checkpoint.folder}. Copy its tokenizer files there, "
        "or name another checkpoint's with `tokenizer` in the model file."
    )


def on_one_line(error: Exception) -> str:
    """What a library said, made to fit into one of our messages."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
