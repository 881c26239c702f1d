"""Choose how a loaded model generates text, by its layout and the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelerate import Accelerator
from transformers import GenerationConfig

from harness.config.training import Training
from harness.errors import UserError
from harness.long_texts.continued import Continued, ContinuedFromMemory
from harness.long_texts.packed.pairs import PackedWritten
from harness.long_texts.token_losses import unseen_memory
from harness.long_texts.written import Writer, Written
from harness.models.loaded import Loaded
from harness.tokenization.languages import language_token
from harness.tokenization.pair_layout import Joined
from harness.tokenization.reading import window_of


def writer_for(loaded: Loaded, accelerator: Accelerator, generation: Mapping[str, Any], training: Training) -> Writer:
    """Create the writer of a model. Its generation settings are updated, so that plain transformers generates the same.

    Args:
        loaded: The model.
        accelerator: Devices and precision.
        generation: Arguments of `generate`, and possibly `target_language`, which only some tokenizers know.
        training: The recipe.

    Raises:
        UserError: If the tokenizer does not know the language, or the recipe's memory is longer than the model sees.
    """
    settings = dict(generation)
    if (language := settings.pop("target_language", None)) is not None:
        settings["forced_bos_token_id"] = language_token(loaded.tokenizer, "target_language", language)
    if settings:
        _forget_own_settings(loaded.model.generation_config)
        loaded.model.generation_config.update(**settings, max_length=None)
    if not isinstance(loaded.layout, Joined):
        written = Written(loaded.model, accelerator, settings)
        if training.execution == "padded" or loaded.packing is None or loaded.packing.pairs is None:
            return written
        return PackedWritten(loaded.model, accelerator, settings, loaded.packing)
    loaded.model.generation_config.update(eos_token_id=loaded.layout.end, pad_token_id=loaded.pad_id)
    return _continued(loaded, accelerator, settings, training)


def _continued(loaded: Loaded, accelerator: Accelerator, settings: Mapping[str, Any], training: Training) -> Continued:
    model, pad = loaded.model, loaded.pad_id
    if not training.segmented:
        _remember(model, window_of(training, loaded.limit) + settings.get("max_new_tokens", 0))
        return Continued(model, accelerator, settings, pad, loaded.unpadded)
    memory, segment = training.memory_length, training.segment
    if (reason := unseen_memory(model.config, memory)) is not None:
        raise UserError(f"memory: {memory}, but {reason}")
    _remember(model, memory + segment + settings.get("max_new_tokens", 0))
    return ContinuedFromMemory(
        model,
        accelerator,
        settings,
        pad,
        segment=segment,
        memory=memory,
        gradient_segments=training.gradient_segments,
    )


def _remember(model: Any, states: int) -> None:
    """Make a model with a memory keep `states` states in generation, so that each token sees as much as in training.

    If `mem_len` limits what a token sees (`same_length`), it is part of the model, and is left unchanged.
    """
    config = model.config
    if hasattr(config, "mem_len") and not getattr(config, "same_length", False):
        config.mem_len = max(config.mem_len, states)


def _forget_own_settings(config: Any) -> None:
    """Reset the checkpoint's own generation settings, such as a minimum length, except its tokens."""
    for name, usual in GenerationConfig().to_dict().items():
        if hasattr(config, name) and not name.endswith(("_token_id", "_version")) and not name.startswith("_"):
            setattr(config, name, usual)
