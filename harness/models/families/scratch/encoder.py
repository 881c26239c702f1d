"""The encoder's layer: Vaswani et al. 2017, sections 3.1 and 3.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from harness.models.families.scratch.attention import MultiHeadAttention
from harness.models.families.scratch.configuration import ScratchConfig

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


class FeedForward(nn.Sequential):
    """FFN(x) = max(0, x W_1 + b_1) W_2 + b_2, at each position.

    Source: section 3.3, equation 2. GELU in place of max(0, ·): Hendrycks & Gimpel 2016.
    """

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(
            nn.Linear(config.hidden_size, config.intermediate_size),
            ACTIVATIONS[config.hidden_act](),
            nn.Linear(config.intermediate_size, config.hidden_size),
        )


class ResidualLayer(GradientCheckpointingLayer):
    """A layer of sub-layers, each with a residual connection.

    Source: section 3.1 for LayerNorm(x + Sublayer(x)), section 5.4 for dropout on each sub-layer's output.
    Normalising first, x + Sublayer(LayerNorm(x)), is Xiong et al. 2020, "On Layer Normalization in the Transformer
    Architecture", figure 1b: it trains without a learning-rate warm-up.
    """

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        self.norm_first = config.norm_position == "pre"
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def with_residual(self, hidden: Tensor, sublayer: Callable[[Tensor], Tensor], norm: nn.Module) -> Tensor:
        """Apply a sub-layer to `hidden` [batch, length, width]."""
        if self.norm_first:
            return hidden + self.dropout(sublayer(norm(hidden)))
        return norm(hidden + self.dropout(sublayer(hidden)))


class EncoderLayer(ResidualLayer):
    """Self-attention and the feed-forward network (section 3.1)."""

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.attention = MultiHeadAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden: Tensor, attention_mask: Tensor | None = None, **options: Any) -> Tensor:
        """Return the layer's output [batch, length, width]; arguments as in `MultiHeadAttention`."""

        def attend(states: Tensor) -> Tensor:
            return self.attention(states, attention_mask, **options)[0]

        hidden = self.with_residual(hidden, attend, self.attention_norm)
        return self.with_residual(hidden, self.feed_forward, self.feed_forward_norm)
