"""The encoder as a transformers model: embeddings and the stack of layers."""

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
    """The base class of the models: initialisation, and the supported features of transformers."""

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
        """Initialise the weights of `module`.

        The paper does not specify it. Matrices: Xavier uniform (Glorot & Bengio 2010), as in the authors'
        tensor2tensor. Embeddings: normal with variance 1 / d_model, which the factor √d_model of section 3.4 makes 1.
        """
        if isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=self.config.hidden_size**-0.5)
            # A slice loses the mark of a loaded weight, so it is checked here.
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
        # With norms inside the residual branches, the final sum still needs one.
        pre = config.norm_position == "pre"
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps) if pre else nn.Identity()
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the token embeddings."""
        return self.embeddings.tokens

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the token embeddings."""
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
        """Return the state of each token, `last_hidden_state` [batch, length, width].

        Args:
            input_ids: Tokens [batch, length].
            attention_mask: 1 for real tokens, 0 for padding [batch, length]; None if all are real.
            token_type_ids: The text of a pair that each token belongs to [batch, length]; None if all belong to the
                first.
            position_ids: Position of each token in its text [batch, length]; None to count from 0.
            inputs_embeds: Embedded tokens [batch, length, width], instead of `input_ids`.
            **options: Passed on to the attention implementation.

        Raises:
            ValueError: If not exactly one of `input_ids` and `inputs_embeds` is given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("input_ids or inputs_embeds: give one of them")
        tokens = self.embeddings.tokens(input_ids) if inputs_embeds is None else inputs_embeds
        hidden = self.embeddings(tokens, token_type_ids, position_ids)
        mask = create_bidirectional_mask(self.config, hidden, attention_mask)
        for layer in self.layers:
            hidden = layer(hidden, mask, **options)
        return BaseModelOutput(last_hidden_state=self.final_norm(hidden))
