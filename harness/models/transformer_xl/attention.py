"""Attention that knows distances instead of places: Dai et al. 2019, section 3.3."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from harness.models.transformer_xl.configuration import TransformerXLConfig


def inverse_frequencies(width: int) -> Tensor:
    """10000^(-2i / width) for i = 0 … width / 2 - 1, in float32 [width / 2]."""
    return 1 / 10000 ** (torch.arange(0, width, 2, dtype=torch.float32) / width)


class PositionalEmbedding(nn.Module):
    """R: the sines of a distance, then its cosines.

    Source: section 3.3, after Vaswani et al. 2017, section 3.5, whose sines and cosines take turns instead.
    """

    inv_freq: Tensor

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.clamp = config.clamp_len
        # Published checkpoints carry it, so it has its place among the weights.
        self.register_buffer("inv_freq", inverse_frequencies(config.d_model))

    def forward(self, length: int) -> Tensor:
        """Encodings of the distances length - 1 … 0, the largest of them clamped [length, d_model]."""
        distances = torch.arange(length - 1, -1, -1, device=self.inv_freq.device, dtype=self.inv_freq.dtype)
        if self.clamp > 0:
            distances = distances.clamp(max=self.clamp)
        angles = distances.unsqueeze(-1) * self.inv_freq
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


def relative_shift(scores: Tensor) -> Tensor:
    """y[i, j] = x[i, j + queries - 1 - i]: from "query i at distance" to "query i at key j".

    Source: appendix B. A column of zeros in front, read with rows one longer, moves row i by queries - 1 - i places.
    Keys after the query come out as what is left over; the mask hides them.

    Args:
        scores: [..., queries, keys], the last column at distance 0.
    """
    queries, keys = scores.shape[-2:]
    padded = nn.functional.pad(scores, (1, 0))
    return padded.reshape(*scores.shape[:-2], keys + 1, queries)[..., 1:, :].reshape(*scores.shape[:-2], queries, keys)


def eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    *,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """softmax(Q Kᵀ · scaling + bias) V, and the weights, in the form of transformers' `AttentionInterface`.

    Args:
        module: Not read.
        query: [batch, heads, queries, width].
        key: [batch, heads, keys, width].
        value: [batch, heads, keys, width].
        attention_mask: The bias, masked where a query may not look [batch, heads, queries, keys].
        scaling: 1 / √width.
        dropout: Share of the weights that is set to zero.

    Returns:
        Sums [batch, queries, heads, width] and weights [batch, heads, queries, keys].
    """
    scores = query @ key.transpose(-2, -1) * scaling + attention_mask
    weights = nn.functional.dropout(scores.softmax(dim=-1), dropout)
    return (weights @ value).transpose(1, 2), weights


class RelativeAttention(nn.Module):
    """Multi-head attention with relative positions.

    Source: section 3.3. The score of query i and key j is the sum of four terms, here as two products:

        (E_i W_q + u) · (E_j W_k,E)   (a) and (c): what is there       `r_w_bias` is u
        (E_i W_q + v) · (R_i-j W_k,R) (b) and (d): how far it is       `r_r_bias` is v

    over √d_head. The second is added to the first as a bias, so that any attention with a float mask will do.
    """

    is_causal = False  # Read by transformers' attention functions: the mask says it all.

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.config = config
        inner = config.n_head * config.d_head
        self.qkv_net = nn.Linear(config.d_model, 3 * inner, bias=False)
        self.r_net = nn.Linear(config.d_model, inner, bias=False)
        self.o_net = nn.Linear(inner, config.d_model, bias=False)
        self.r_w_bias = nn.Parameter(torch.empty(config.n_head, config.d_head))
        self.r_r_bias = nn.Parameter(torch.empty(config.n_head, config.d_head))
        self.layer_norm = nn.LayerNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.drop = nn.Dropout(config.dropout)

    def forward(
        self, hidden: Tensor, context: Tensor, positions: Tensor, visible: Tensor, *, weigh: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """The sub-layer's output [batch, queries, d_model], and where `weigh`, the attention's weights.

        Args:
            hidden: The segment [batch, queries, d_model].
            context: Memory and segment [batch, keys, d_model].
            positions: Encodings of the distances keys - 1 … 0 [keys, d_model].
            visible: Which keys each query may look at [batch or 1, 1, queries, keys].
            weigh: Whether to return the weights [batch, heads, queries, keys].
        """
        if not self.config.pre_lnorm:
            sums, weights = self._attend(hidden, context, positions, visible, weigh=weigh)
            return self.layer_norm(hidden + sums), weights
        sums, weights = self._attend(self.layer_norm(hidden), self.layer_norm(context), positions, visible, weigh=weigh)
        return hidden + sums, weights

    def _attend(
        self, hidden: Tensor, context: Tensor, positions: Tensor, visible: Tensor, *, weigh: bool
    ) -> tuple[Tensor, Tensor | None]:
        name = "eager" if weigh else self.config._attn_implementation
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(name, eager_attention)
        inner = self.o_net.in_features
        query_net, key_value_net = self.qkv_net.weight.split([inner, 2 * inner])
        query = nn.functional.linear(hidden, query_net).unflatten(-1, (-1, self.config.d_head))
        key, value = nn.functional.linear(context, key_value_net).chunk(2, dim=-1)
        bias = self._bias((query + self.r_r_bias).transpose(1, 2), positions, visible)
        sums, weights = attend(
            self,
            (query + self.r_w_bias).transpose(1, 2).to(value.dtype),
            self._heads(key),
            self._heads(value),
            bias.to(value.dtype),
            scaling=self.config.d_head**-0.5,
            dropout=self.config.dropatt if self.training else 0.0,
        )
        return self.drop(self.o_net(sums.flatten(-2))), weights

    def _bias(self, query: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        """The terms of distance, over √d_head; the lowest number where a query may not look."""
        distances = self._heads(self.r_net(positions))
        scores = relative_shift(query.to(distances.dtype) @ distances.transpose(-2, -1)) * self.config.d_head**-0.5
        return scores.masked_fill(~visible, torch.finfo(scores.dtype).min)

    def _heads(self, projected: Tensor) -> Tensor:
        """[..., length, heads x d_head] cut into heads [..., heads, length, d_head]."""
        return projected.unflatten(-1, (-1, self.config.d_head)).transpose(-3, -2)
