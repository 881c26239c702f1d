"""Create models with random or pretrained weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import Checkpoint
from harness.models.config_and_tokenizer import IMPOSSIBLE, on_one_line

OWN_HEAD = "the checkpoint's own head is kept"


def untrained(model_class: Any, config: Any, spec: ModelConfig) -> Any:
    """Create a model with random weights.

    Raises:
        UserError: If the configuration is invalid.
    """
    try:
        return model_class.from_config(config, dtype=torch.float32)
    except IMPOSSIBLE as error:
        where = spec.checkpoint or f"family {spec.family}"
        raise UserError(f"{where}: these settings are invalid ({on_one_line(error)}).") from error


def pretrained(model_class: Any, checkpoint: Checkpoint, config: Any, *, new_head: bool) -> tuple[Any, list[str]]:
    """Load a model with the checkpoint's weights, in fp32, and return it with notes on its head.

    Raises:
        UserError: If the weights cannot be loaded, or do not fit the configuration.
    """
    checkpoint.weights()
    try:
        model, report = model_class.from_pretrained(
            checkpoint.folder,
            config=config,
            dtype=torch.float32,  # transformers would keep half precision, which loses small updates.
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
        )
    except (*IMPOSSIBLE, AttributeError, OSError) as error:
        raise UserError(f"{checkpoint.name}: its weights don't load ({on_one_line(error)}).") from error
    _check_encoder(checkpoint, model, report)
    if new_head:
        _renew_head(model)
    resized = {str(key[0]) for key in report["mismatched_keys"]}
    new = {*report["missing_keys"], *resized, *(_head_tensors(model) if new_head else ())}
    notes = [f"new layers: {', '.join(sorted(new))}"] if new else []
    if not new.intersection(_head_tensors(model)):
        notes.append(OWN_HEAD)
    return model, notes


def check_language_head(name: str, notes: Sequence[str]) -> None:
    """Reject a language model, or a model that generates text, with new layers: its predictions would be random.

    Args:
        name: The user's name of the model.
        notes: The notes returned by `pretrained`.

    Raises:
        UserError: If the weights lack a tensor.
    """
    if list(notes) != [OWN_HEAD]:
        first, *others = notes[0].split(", ")
        more = f" and {len(others)} more" if others else ""
        raise UserError(
            f"{name}: its weights are not a complete language model ({first}{more}). Choose another checkpoint."
        )


def _head_tensors(model: Any) -> list[str]:
    return [name for name, _ in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}.")]


def _renew_head(model: Any) -> None:
    """Reinitialise everything outside the encoder, as transformers does."""
    for name, child in model.named_children():
        if name != model.base_model_prefix:
            for tensor in child.parameters():
                tensor._is_hf_initialized = False
            child.apply(model._init_weights)


def _check_encoder(checkpoint: Checkpoint, model: Any, report: Mapping[str, Any]) -> None:
    prefix = f"{model.base_model_prefix}."
    encoder = [name for name in model.state_dict() if name.startswith(prefix)]
    misfits = [key for key in report["mismatched_keys"] if str(key[0]).startswith(prefix)]
    if misfits:
        name, stored, wanted = min(misfits, key=str)
        raise UserError(
            f"{checkpoint.name}: tensor {name} is {list(stored)} in the weights, but config.json asks for "
            f"{list(wanted)} ({len(misfits)} such tensors). Weights and config.json don't belong together."
        )
    lost = sorted(set(encoder).intersection(report["missing_keys"]))
    if len(lost) > len(encoder) // 2:
        raise UserError(
            f"{checkpoint.name}: {len(lost)} of the encoder's {len(encoder)} tensors are not in the weights "
            f"(such as {lost[0]}). The weights are of another architecture than config.json says."
        )
