"""The decoder: Vaswani et al. 2017, figure 1, right half; sections 3.1 and 3.2.3."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers.cache_utils import EncoderDecoderCache
from transformers.masking_utils import create_bidirectional_mask, create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import OutputRecorder, capture_outputs

from harness.models.families.scratch.attention import MultiHeadAttention
from harness.models.families.scratch.configuration import ScratchEncoderDecoderConfig
from harness.models.families.scratch.embeddings import encodings
from harness.models.families.scratch.encoder import FeedForward, ResidualLayer
from harness.models.families.scratch.model import ScratchPreTrainedModel


class DecoderAttention(MultiHeadAttention):
    """Attention to the tokens generated so far, or to the encoder's output, the "memory".

    Source: section 3.2.3. Keys and values of earlier tokens do not change. They are cached, so that each new token
    costs only its own computation.
    """

    def __init__(self, config: ScratchEncoderDecoderConfig, layer: int, *, is_causal: bool) -> None:
        super().__init__(config)
        self.layer = layer
        self.is_causal = is_causal  # For transformers' attention functions, if they get no mask.

    def forward(
        self,
        hidden: Tensor,
        attention_mask: Tensor | None = None,
        memory: Tensor | None = None,
        cache: EncoderDecoderCache | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend with queries from `hidden` [batch, length, width], and keys and values from it or from the memory.

        Args:
            hidden: The output of the layer below.
            attention_mask: The mask in the format of the chosen implementation.
            memory: The output of the encoder [batch, source length, width]; None for self-attention.
            cache: Cached keys and values, to which new ones are added.
            **options: Passed on to the implementation.

        Returns:
            The shape of `hidden`, and the weights [batch, heads, length, keys] if the implementation returns them.
        """
        query = self._heads(self.query(hidden))
        key, value = self._of_tokens(hidden, cache) if memory is None else self._of_memory(memory, cache)
        return self.combined(query, key, value, attention_mask, **options)

    def _projected(self, states: Tensor) -> tuple[Tensor, Tensor]:
        return self._heads(self.key(states)), self._heads(self.value(states))

    def _of_tokens(self, hidden: Tensor, cache: EncoderDecoderCache | None) -> tuple[Tensor, Tensor]:
        """Return keys and values of all tokens so far."""
        if cache is None:
            return self._projected(hidden)
        key, value = cache.self_attention_cache.update(*self._projected(hidden), self.layer)
        return key, value

    def _of_memory(self, memory: Tensor, cache: EncoderDecoderCache | None) -> tuple[Tensor, Tensor]:
        """Return keys and values of the memory, which are computed once."""
        if cache is None:
            return self._projected(memory)
        if not cache.is_updated.get(self.layer):
            cache.cross_attention_cache.update(*self._projected(memory), self.layer)
            cache.is_updated[self.layer] = True
        kept = cache.cross_attention_cache.layers[self.layer]
        return kept.keys, kept.values


class DecoderLayer(ResidualLayer):
    """Masked self-attention, attention to the memory, and the feed-forward network (section 3.1)."""

    def __init__(self, config: ScratchEncoderDecoderConfig, layer: int) -> None:
        super().__init__(config)
        self.attention = DecoderAttention(config, layer, is_causal=True)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.memory_attention = DecoderAttention(config, layer, is_causal=False)
        self.memory_attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(
        self,
        hidden: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: EncoderDecoderCache | None = None,
        **options: Any,
    ) -> Tensor:
        """Return the layer's output [batch, length, width].

        Args:
            hidden: The output of the layer below [batch, length, width].
            memory: The output of the encoder [batch, source length, width].
            mask: The mask that hides later tokens.
            memory_mask: The mask that hides the source's padding.
            cache: As in `DecoderAttention`.
            **options: Passed on to the attention implementation.
        """

        def attend(states: Tensor) -> Tensor:
            return self.attention(states, mask, cache=cache, **options)[0]

        def recall(states: Tensor) -> Tensor:
            return self.memory_attention(states, memory_mask, memory, cache=cache, **options)[0]

        hidden = self.with_residual(hidden, attend, self.attention_norm)
        hidden = self.with_residual(hidden, recall, self.memory_attention_norm)
        return self.with_residual(hidden, self.feed_forward, self.feed_forward_norm)


class ScratchDecoder(ScratchPreTrainedModel):
    """The stack of decoder layers, which reads the tokens generated so far and the memory."""

    config_class = ScratchEncoderDecoderConfig
    _can_record_outputs: dict[str, Any] = {  # noqa: RUF012 -- the base class's form
        "hidden_states": DecoderLayer,
        "attentions": OutputRecorder(DecoderAttention, index=1, layer_name="attention"),
        "cross_attentions": OutputRecorder(DecoderAttention, index=1, layer_name="memory_attention"),
    }

    def __init__(self, config: ScratchEncoderDecoderConfig) -> None:
        super().__init__(config)
        layers = config.num_decoder_layers or config.num_hidden_layers
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.layers = nn.ModuleList(DecoderLayer(config, layer) for layer in range(layers))
        pre = config.norm_position == "pre"
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps) if pre else nn.Identity()
        self.gradient_checkpointing = False
        self.post_init()

    @merge_with_config_defaults  # type: ignore[untyped-decorator]
    @capture_outputs  # type: ignore[untyped-decorator]
    def forward(
        self,
        inputs_embeds: Tensor,
        memory: Tensor,
        attention_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        position_ids: Tensor | None = None,
        **options: Any,
    ) -> BaseModelOutputWithPastAndCrossAttentions:
        """Return the state of each token, `last_hidden_state` [batch, length, width].

        Args:
            inputs_embeds: Embedded tokens after those in the cache [batch, length, width].
            memory: The output of the encoder [batch, source length, width].
            attention_mask: 1 for real tokens, 0 for padding, including cached ones; None if all are real.
            memory_mask: The mask of the source [batch, source length].
            past_key_values: The cache.
            position_ids: Position of each token in its text [batch, length]; None to continue from the cache.
            **options: Passed on to the attention implementation.
        """
        hidden = self._embedded(inputs_embeds, past_key_values, position_ids)
        before = None if past_key_values is None else past_key_values.self_attention_cache
        mask = create_causal_mask(self.config, hidden, attention_mask, past_key_values=before)
        shown = create_bidirectional_mask(self.config, hidden, memory_mask, encoder_hidden_states=memory)
        for layer in self.layers:
            hidden = layer(hidden, memory, mask, shown, past_key_values, **options)
        return BaseModelOutputWithPastAndCrossAttentions(
            last_hidden_state=self.final_norm(hidden), past_key_values=past_key_values
        )

    def _embedded(
        self, tokens: Tensor, cache: EncoderDecoderCache | None = None, positions: Tensor | None = None
    ) -> Tensor:
        """Add positions to embeddings, continuing from those in the cache (sections 3.4 and 3.5)."""
        first = 0 if cache is None else cache.get_seq_length()
        here = encodings(tokens, positions, first=first).to(tokens.dtype)
        embedded: Tensor = self.dropout(tokens * self.config.hidden_size**0.5 + here)
        return embedded
