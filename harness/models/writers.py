"""Choose how a model generates text: as an encoder-decoder, or as a language model that continues the source."""

from __future__ import annotations

from typing import Any

import transformers

from harness.errors import UserError
from harness.models.choice_head import class_with
from harness.models.encoder_decoder import first_and_last
from harness.models.head import Head
from harness.models.language_head import Language
from harness.models.tokenizer_choice import end_sources, pad_on
from harness.tokenization.pair_layout import APART, Apart, Joined, PairLayout


def lacks_class(head: Head, config: Any) -> bool:
    """Whether transformers has no model with this head for the configuration's type."""
    if head.auto_class is None:
        return False
    return type(config) not in getattr(transformers, head.auto_class)._model_mapping


def asks_for_words(head: Head, config: Any) -> bool:
    """Whether the model is to predict words with its language modelling head.

    Args:
        head: The head: the language model's own, or one that generates text and that the model type lacks.
        config: The configuration of the model.
    """
    return head.auto_class is None or (head.generation is not None and lacks_class(head, config))


def model_class_of(head: Head, language: Language | None, where: str, config: Any) -> Any:
    """Return the Auto class of models with the head.

    Raises:
        UserError: If the model type has no such model. Not all types have language models, or every head.
    """
    if head.auto_class is not None and not (head.otherwise and lacks_class(head, config)):
        return class_with(head, config)
    if head.auto_class is not None:
        if head.generation is None or language is None or not (language.causal and language.writes):
            raise UserError(f"{where}: {config.model_type} has no model for this task. {head.otherwise}")
        return transformers.AutoModelForCausalLM
    if language is None:
        raise UserError(
            f"{where}: transformers has no causal or masked language model of the type {config.model_type}. "
            "Choose another checkpoint."
        )
    return transformers.AutoModelForCausalLM if language.causal else transformers.AutoModelForMaskedLM


def layout_of(head: Head, config: Any, tokenizer: Any) -> PairLayout:
    """Return how source and target are arranged; a tokenizer is changed in place if its model continues the source.

    Raises:
        UserError: If the tokenizer has no end-of-text token, or if none can be appended to a source.
    """
    if head.generation is None:
        return APART
    if not asks_for_words(head, config):
        return Apart(getattr(config, "decoder_start_token_id", None))
    end_sources(tokenizer)
    pad_on("left", tokenizer)
    return Joined(first_and_last(tokenizer)[1])
