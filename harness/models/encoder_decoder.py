"""Build encoder-decoders from encoder checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import transformers

from harness.errors import UserError
from harness.models.checkpoint import Checkpoint
from harness.models.weights import OWN_HEAD, pretrained

WARM_STARTED = (
    "encoder and decoder both begin with the checkpoint's weights, as BERT2BERT does (Rothe et al. 2020); attention "
    "from the decoder to the encoder is new"
)
Weights = Callable[[Any, Checkpoint, Any], tuple[Any, list[str]]]


def _as_they_are(model_class: Any, checkpoint: Checkpoint, config: Any) -> tuple[Any, list[str]]:
    return pretrained(model_class, checkpoint, config, new_head=False)


@dataclass(frozen=True)
class EncoderDecoder:
    """How a family's encoders become models that generate text.

    Attributes:
        config: Creates the configuration from an encoder's and the tokenizer; returns that of an encoder-decoder
            unchanged.
        weights: Loads the model, given the Auto class, the checkpoint and the configuration, and returns it with notes
            for the record.
    """

    config: Callable[[Any, Any], Any]
    weights: Weights = _as_they_are


def first_and_last(tokenizer: Any) -> tuple[int, int]:
    """Return the first and last token of generated texts.

    Raises:
        UserError: If the tokenizer has no end token.
    """
    first = (tokenizer.bos_token_id, tokenizer.cls_token_id, tokenizer.pad_token_id)
    last = (tokenizer.eos_token_id, tokenizer.sep_token_id)
    begins, ends = (next((int(token) for token in tokens if token is not None), None) for tokens in (first, last))
    if begins is None or ends is None:
        raise UserError(f"tokenizer {type(tokenizer).__name__}: has no end-of-text token (eos or sep). Choose another.")
    return begins, ends


def warm_started_config(config: Any, tokenizer: Any) -> Any:
    """Create the configuration of an encoder-decoder of two copies of an encoder.

    Source: Rothe et al. 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks", section 2.

    Args:
        config: The configuration of the encoder.
        tokenizer: The tokenizer, which defines the first and last token of generated texts.
    """
    first, last = first_and_last(tokenizer)
    settings = config.to_dict()
    return transformers.EncoderDecoderConfig(
        encoder={**settings, "is_decoder": False, "add_cross_attention": False},
        decoder={**settings, "is_decoder": True, "add_cross_attention": True},
        pad_token_id=config.pad_token_id,
        decoder_start_token_id=first,
        eos_token_id=last,
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_position_embeddings,
    )


def warm_started(_model_class: Any, checkpoint: Checkpoint, config: Any) -> tuple[Any, list[str]]:
    """Load two copies of the checkpoint, and return them with notes on what is new."""
    encoder, read = pretrained(transformers.AutoModel, checkpoint, config.encoder, new_head=False)
    decoder, written = pretrained(transformers.AutoModelForCausalLM, checkpoint, config.decoder, new_head=False)
    model = transformers.EncoderDecoderModel(config=config, encoder=encoder, decoder=decoder)
    new = [f"{side}: {note}" for side, notes in (("encoder", read), ("decoder", written)) for note in notes]
    return model, [WARM_STARTED, *filter(None, map(_without_crossattention, new))]


def _without_crossattention(note: str) -> str:
    """Remove cross-attention, which is always new, from a note; empty if nothing is left."""
    if OWN_HEAD in note:
        return ""
    which, mark, names = note.partition("new layers: ")
    left = [name for name in names.split(", ") if "crossattention" not in name]
    return f"{which}{mark}{', '.join(left)}" if not mark or left else ""


WARM_START = EncoderDecoder(warm_started_config, warm_started)
"""Two copies of the encoder, as in transformers' `EncoderDecoderModel`."""
