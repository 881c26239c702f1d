"""The encoder as a model of transformers: embeddings, then the stack of layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from harness.models.families.scratch.attention import MultiHeadAttention
from harness.models.families.scratch.configuration import ScratchConfig
from harness.models.families.scratch.embeddings import Embeddings
from harness.models.families.scratch.encoder import EncoderLayer


class ScratchPreTrainedModel(PreTrainedModel):
    """What the models share: how weights start, and which of transformers' machinery works with them."""

    config_class = ScratchConfig
    base_model_prefix = "transformer"
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False  # Losses are means over the batch, which transformers' Trainer must divide itself.
    _no_split_modules = ["Embeddings", "EncoderLayer"]  # noqa: RUF012 -- the base class's form
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_record_outputs = {"hidden_states": EncoderLayer, "attentions": MultiHeadAttention}  # noqa: RUF012

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Start `module`'s weights.

        The paper leaves this open. Matrices: Xavier's uniform (Glorot & Bengio 2010), as in the authors' own
        tensor2tensor. Embeddings: normal of variance 1 / d_model, which the factor √d_model of section 3.4 brings to 1.
        """
        if isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=self.config.hidden_size**-0.5)
            # A slice loses the mark of a loaded weight, so it is asked for here.
            if module.padding_idx is not None and not getattr(module.weight, "_is_hf_initialized", False):
                init.zeros_(module.weight[module.padding_idx])
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)


class ScratchModel(ScratchPreTrainedModel):
    """The encoder of Vaswani et al. 2017 (figure 1, left half), without a head."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))
        # With the norms inside the residual branches, the sum that comes out at the top still wants one.
        pre = config.norm_position == "pre"
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps) if pre else nn.Identity()
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """The token embedding."""
        return self.embeddings.tokens

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Put `value` in the token embedding's place."""
        self.embeddings.tokens = value

    @merge_with_config_defaults  # type: ignore[untyped-decorator]
    @capture_outputs  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **options: Any,
    ) -> BaseModelOutput:
        """A vector for each token, `last_hidden_state` [batch, length, width].

        Args:
            input_ids: Tokens [batch, length].
            attention_mask: 1 for real tokens, 0 for padding [batch, length]; None: all real.
            token_type_ids: Which text of a pair each token belongs to [batch, length]; None: all to the first.
            position_ids: Each token's place in its text [batch, length]; None: counted from 0.
            inputs_embeds: Embedded tokens [batch, length, width], instead of `input_ids`.
            **options: Handed on to the attention implementation.

        Raises:
            ValueError: Neither or both of `input_ids` and `inputs_embeds` are given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("input_ids or inputs_embeds: give one of them")
        tokens = self.embeddings.tokens(input_ids) if inputs_embeds is None else inputs_embeds
        hidden = self.embeddings(tokens, token_type_ids, position_ids)
        mask = create_bidirectional_mask(self.config, hidden, attention_mask)
        for layer in self.layers:
            hidden = layer(hidden, mask, **options)
        return BaseModelOutput(last_hidden_state=self.final_norm(hidden))
