"""Language models with a memory, as they were trained.

One is a model for `AutoModelForCausalLM` with `token_losses(states [tokens, width], words [tokens])`, whose base model
takes `mems`.
"""

from __future__ import annotations

from typing import Any

from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, AutoModelForCausalLM

from harness.config.model import ModelConfig
from harness.errors import UserError
from harness.models.checkpoint import find_checkpoint
from harness.models.config_and_tokenizer import check_vocabulary, read_config, read_tokenizer
from harness.models.weights import check_language_head, pretrained
from harness.registry import FAMILIES


def language_model(spec: ModelConfig, name: str) -> tuple[Any, Any]:
    """The language model that `spec` names, in fp32, and its tokenizer.

    Args:
        spec: Which weights.
        name: What the user calls it.

    Raises:
        UserError: It is untrained, has no memory, no whole language model in its weights, or is not available.
    """
    if spec.checkpoint is None or spec.init == "random":
        raise UserError(f"{name}: is untrained, so it foretells nothing. Name a checkpoint's folder or a Hub id.")
    checkpoint = find_checkpoint(spec.checkpoint, spec.revision)
    config = read_config(checkpoint, spec.architecture)
    if not _remembers(config.model_type):
        raise UserError(
            f"{name}: a {config.model_type} is no language model that reads from left to right with a memory. "
            f"Choose one of the family {' or '.join(_families())}."
        )
    tokenizer = read_tokenizer(find_checkpoint(spec.tokenizer) if spec.tokenizer else checkpoint)
    check_vocabulary(name, config, tokenizer)
    model, notes = pretrained(AutoModelForCausalLM, checkpoint, config, new_head=False)
    check_language_head(name, notes)
    return model, tokenizer


def _remembers(model_type: str) -> bool:
    """Whether the architecture has a language model with a memory."""
    return hasattr(MODEL_FOR_CAUSAL_LM_MAPPING.get(CONFIG_MAPPING[model_type], None), "token_losses")


def _families() -> list[str]:
    """The families with such a model."""
    types = {name: getattr(FAMILIES.load(name), "model_types", ()) for name in FAMILIES.names()}
    return [name for name, members in types.items() if any(map(_remembers, members))]
