"""ScratchConfig: the size and the choices of a Transformer encoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transformers import PreTrainedConfig

from harness.errors import UserError


class ScratchConfig(PreTrainedConfig):
    """What a Transformer encoder is built from; the defaults are the base model of Vaswani et al. 2017, table 3.

    Attributes:
        vocab_size: Rows of the token embedding.
        hidden_size: The width of the model, d_model in the paper; even, since positions come as sine and cosine pairs.
        num_hidden_layers: Layers, N in the paper.
        num_attention_heads: Heads, h in the paper; they share the width among them.
        intermediate_size: The width inside the feed-forward network, d_ff in the paper.
        hidden_act: "relu", as in the paper, or "gelu" (Hendrycks & Gimpel 2016).
        hidden_dropout_prob: Dropout on the embeddings and on each sub-layer's output, P_drop in the paper.
        attention_probs_dropout_prob: Dropout on the attention weights; section 5.4 has none.
        max_position_embeddings: Tokens at which texts are cut or windowed. The sinusoids themselves have no end.
        type_vocab_size: How many texts one input may hold; 2 for pairs.
        norm_position: "post", after each residual sum as in the paper, or "pre", before each sub-layer
            (Xiong et al. 2020).
        layer_norm_eps: What keeps layer normalisation from dividing by zero.
        classifier_dropout: Dropout before the classifier; None: `hidden_dropout_prob`.
        pad_token_id: The token that fills up a batch.
        tie_word_embeddings: Whether a language model's output table is the input's.
    """

    model_type = "scratch-transformer"

    vocab_size: int = 8192
    hidden_size: int = 512
    num_hidden_layers: int = 6
    num_attention_heads: int = 8
    intermediate_size: int = 2048
    hidden_act: str = "relu"
    hidden_dropout_prob: float | int = 0.1
    attention_probs_dropout_prob: float | int = 0.0
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    norm_position: str = "post"
    layer_norm_eps: float = 1e-5
    classifier_dropout: float | int | None = None
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True

    def __post_init__(self, **settings: Any) -> None:
        super().__post_init__(**settings)
        if mistakes := [f"architecture.{mistake}" for mistake in self._mistakes()]:
            raise UserError(*mistakes)

    def _mistakes(self) -> Iterator[str]:
        sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        if small := [name for name in sizes if getattr(self, name) < 1]:
            yield from (f"{name}: must be at least 1 (got {getattr(self, name)}). Choose another." for name in small)
            return
        if self.hidden_size % 2:
            yield f"hidden_size: must be even (got {self.hidden_size}). Positions take sine and cosine in pairs."
        if self.hidden_size % self.num_attention_heads:
            heads = self.num_attention_heads
            yield f"num_attention_heads: must divide hidden_size, {self.hidden_size} (got {heads}). Choose another."
        if self.norm_position not in ("post", "pre"):
            yield f'norm_position: must be "post" or "pre" (got {self.norm_position!r}). Choose one.'
        if self.hidden_act not in ("relu", "gelu"):
            yield f'hidden_act: must be "relu" or "gelu" (got {self.hidden_act!r}). Choose one.'


class ScratchEncoderDecoderConfig(ScratchConfig):
    """What the whole Transformer is built from: the encoder's choices, and a decoder of as many layers.

    Attributes:
        num_decoder_layers: The decoder's layers; None: as many as the encoder's, as in the paper.
        bos_token_id: Unused by the model; what a tokenizer begins texts with.
        decoder_start_token_id: What stands before the first token that is written.
        eos_token_id: What ends a text that is written.
        use_cache: Whether `generate` keeps keys and values of what was written, and of the source.
    """

    model_type = "scratch-encoder-decoder"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012 -- the base class's form

    is_encoder_decoder: bool = True
    num_decoder_layers: int | None = None
    bos_token_id: int | None = None
    decoder_start_token_id: int | None = 2
    eos_token_id: int | None = 3
    use_cache: bool = True
