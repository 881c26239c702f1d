"""The whole Transformer: Vaswani et al. 2017, figure 1. It reads a text and generates another, token by token."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, GenerationMixin
from transformers.cache_utils import EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput
from transformers.utils import can_return_tuple

from harness.models.encoder_decoder import first_and_last
from harness.models.families.scratch.configuration import ScratchConfig, ScratchEncoderDecoderConfig
from harness.models.families.scratch.decoder import ScratchDecoder
from harness.models.families.scratch.model import ScratchModel, ScratchPreTrainedModel

NO_TOKEN = -100  # The label of positions without a token, as in transformers.


class ScratchForSeq2SeqLM(ScratchPreTrainedModel, GenerationMixin):
    """Encoder and decoder, with a score for each possible next word.

    Source: section 3.4: one matrix embeds the source, embeds the target and scores the words.
    """

    config_class = ScratchEncoderDecoderConfig
    _tied_weights_keys = {"word_scores.weight": "transformer.embeddings.tokens.weight"}  # noqa: RUF012

    def __init__(self, config: ScratchEncoderDecoderConfig) -> None:
        super().__init__(config)
        self.transformer = ScratchModel(config)
        self.decoder = ScratchDecoder(config)
        self.word_scores = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_encoder(self, modality: str | None = None) -> nn.Module:
        """Return the encoder, the left half of the figure."""
        del modality
        return self.transformer

    def get_output_embeddings(self) -> nn.Linear:
        """Return the output embeddings, which are tied to the input's."""
        return self.word_scores

    def set_output_embeddings(self, value: nn.Linear) -> None:
        """Replace the output embeddings."""
        self.word_scores = value

    def prepare_decoder_input_ids_from_labels(self, labels: Tensor) -> Tensor:
        """Return the decoder's inputs for `labels` [batch, length]: the same, shifted right by one."""
        before = labels.masked_fill(labels == NO_TOKEN, self.config.pad_token_id)[:, :-1]
        return functional.pad(before, (1, 0), value=self.config.decoder_start_token_id)

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        decoder_attention_mask: Tensor | None = None,
        encoder_outputs: BaseModelOutput | tuple[Tensor, ...] | None = None,
        past_key_values: EncoderDecoderCache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        decoder_position_ids: Tensor | None = None,
        **options: Any,
    ) -> Seq2SeqLMOutput:
        """Return `logits` of the token after each one of the decoder [batch, length, vocabulary].

        Args:
            input_ids: The source [batch, source length].
            attention_mask: 1 for the source's real tokens, 0 for padding [batch, source length]; None if all are real.
            decoder_input_ids: The tokens generated so far [batch, length], without those in the cache.
            decoder_attention_mask: The mask of these; None if all are real. Padding on the right needs none.
            encoder_outputs: The outputs of the encoder, instead of the source.
            past_key_values: The cache of an earlier call.
            inputs_embeds: The embedded source [batch, source length, width], instead of `input_ids`.
            labels: The tokens to generate [batch, length], -100 to ignore one. With them, `loss` is returned, the mean
                over tokens, and `decoder_input_ids` may be omitted.
            use_cache: Whether to return a cache; None to use the configuration, and no cache with labels.
            decoder_position_ids: As in `ScratchDecoder`.
            **options: Passed on to the attention implementation.
        """
        if encoder_outputs is None:
            encoder_outputs = self.transformer(input_ids, attention_mask, inputs_embeds=inputs_embeds, **options)
        memory = encoder_outputs[0]
        if decoder_input_ids is None and labels is not None:
            decoder_input_ids = self.prepare_decoder_input_ids_from_labels(labels)
        kept = self.config.use_cache and labels is None if use_cache is None else use_cache
        if kept and past_key_values is None:
            past_key_values = EncoderDecoderCache(DynamicCache(config=self.config), DynamicCache(config=self.config))
        written = self.transformer.embeddings.tokens(decoder_input_ids)
        outputs = self.decoder(
            written,
            memory,
            decoder_attention_mask,
            attention_mask,
            past_key_values=past_key_values,
            position_ids=decoder_position_ids,
            **options,
        )
        logits = self.word_scores(outputs.last_hidden_state)
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=NO_TOKEN)
        return Seq2SeqLMOutput(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            decoder_hidden_states=outputs.hidden_states,
            decoder_attentions=outputs.attentions,
            cross_attentions=outputs.cross_attentions,
            encoder_last_hidden_state=memory,
            encoder_hidden_states=getattr(encoder_outputs, "hidden_states", None),
            encoder_attentions=getattr(encoder_outputs, "attentions", None),
        )


def encoder_decoder_config(config: Any, tokenizer: Any) -> ScratchEncoderDecoderConfig:
    """Create the configuration of a whole Transformer from that of its encoder.

    Args:
        config: The configuration of the encoder; that of a whole Transformer is returned unchanged.
        tokenizer: The tokenizer, which defines the first and last token of generated texts.
    """
    if isinstance(config, ScratchEncoderDecoderConfig):
        return config
    first, last = first_and_last(tokenizer)
    choices = {name: value for name, value in config.to_dict().items() if name in ScratchConfig.__annotations__}
    return ScratchEncoderDecoderConfig(**choices, decoder_start_token_id=first, eos_token_id=last)
