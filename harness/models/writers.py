"""Which model writes a text for another one: an encoder–decoder, or a language model that goes on behind the source."""

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
    """Whether transformers has no model of the configuration's type with the head."""
    if head.auto_class is None:
        return False
    return type(config) not in getattr(transformers, head.auto_class)._model_mapping


def asks_for_words(head: Head, config: Any) -> bool:
    """Whether a model is wanted that predicts words, with the head of its language model.

    Args:
        head: What goes on top: no other head, or one that writes, and that the type lacks.
        config: The model's.
    """
    return head.auto_class is None or (head.generation is not None and lacks_class(head, config))


def model_class_of(head: Head, language: Language | None, where: str, config: Any) -> Any:
    """The Auto class of models with the head.

    Args:
        head: What goes on top.
        language: How the model predicts words.
        where: What a message calls the model.
        config: Its configuration.

    Raises:
        UserError: There is no such model of its type, as not all types have language models, or some heads.
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
    """How a model is given a source and its target; the tokenizer of one that goes on is made to read sources so.

    Args:
        head: What goes on top.
        config: The model's.
        tokenizer: Is changed for a model that goes on behind the source.

    Raises:
        UserError: The tokenizer has no token for a text's end, or none can be put behind a source.
    """
    if head.generation is None:
        return APART
    if not asks_for_words(head, config):
        return Apart(getattr(config, "decoder_start_token_id", None))
    end_sources(tokenizer)
    pad_on("left", tokenizer)
    return Joined(first_and_last(tokenizer)[1])
