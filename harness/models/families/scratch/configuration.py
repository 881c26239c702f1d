"""ScratchConfig: the configuration of a Transformer encoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transformers import PreTrainedConfig

from harness.errors import UserError


class ScratchConfig(PreTrainedConfig):
    """The configuration of a Transformer encoder; the defaults are the base model of Vaswani et al. 2017, table 3.

    Attributes:
        vocab_size: Number of token embeddings.
        hidden_size: Width of the model, d_model in the paper; even, since positions are pairs of sine and cosine.
        num_hidden_layers: Number of layers, N in the paper.
        num_attention_heads: Number of heads, h in the paper, which split the width.
        intermediate_size: Width of the feed-forward network's hidden layer, d_ff in the paper.
        hidden_act: "relu", as in the paper, or "gelu" (Hendrycks & Gimpel 2016).
        hidden_dropout_prob: Dropout on the embeddings and on each sub-layer's output, P_drop in the paper.
        attention_probs_dropout_prob: Dropout on the attention weights; section 5.4 has none.
        max_position_embeddings: Number of tokens at which texts are truncated or windowed. Sinusoids have no limit.
        type_vocab_size: Maximum number of texts in an input; 2 for pairs.
        norm_position: "post", after each residual sum as in the paper, or "pre", before each sub-layer
            (Xiong et al. 2020).
        layer_norm_eps: The epsilon of layer normalisation.
        classifier_dropout: Dropout before the classifier; None for `hidden_dropout_prob`.
        pad_token_id: Id of the padding token.
        tie_word_embeddings: Whether a language model's output embeddings are tied to the input's.
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
    """The configuration of the whole Transformer: that of the encoder, and a similar decoder.

    Attributes:
        num_decoder_layers: Number of decoder layers; None for as many as in the encoder, as in the paper.
        bos_token_id: Id of a tokenizer's first token; unused by the model.
        decoder_start_token_id: Id of the token before the first generated one.
        eos_token_id: Id of the token at the end of a generated text.
        use_cache: Whether `generate` caches keys and values of generated tokens and of the source.
    """

    model_type = "scratch-encoder-decoder"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012 -- the base class's form

    is_encoder_decoder: bool = True
    num_decoder_layers: int | None = None
    bos_token_id: int | None = None
    decoder_start_token_id: int | None = 2
    eos_token_id: int | None = 3
    use_cache: bool = True
