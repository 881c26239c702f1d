"""Attention that knows distances instead of places: Dai et al. 2019, section 3.3."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from harness.models.families.transformer_xl.blocks import Projected, in_blocks
from harness.models.families.transformer_xl.configuration import TransformerXLConfig

FLEX = "flex_attention"
# Of others it is not known whether a block's shape matters to them.
IN_BLOCKS = ("eager", "sdpa")
# SDPA's kernel takes 1.2 to 1.5 times as long as the plain products here (benchmarks/transformer_xl_attention.py).
PLAIN_ON_A_CPU = (torch.bfloat16,)


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
    """y[i, j] = x[i, j + queries - i]: from "query i at distance" to "query i at key j" [..., queries, keys].

    Source: appendix B. The same numbers, read in rows that are one shorter, from the second row's place on: each row
    moves one further than the row before it. Nothing is copied. Keys after the query come out as what is left over; the
    mask hides them.

    Args:
        scores: [..., queries, keys + 1], the columns at the distances keys … 0; the first is of no key.
    """
    queries, columns = scores.shape[-2:]
    shifted = scores.flatten(-2)[..., queries:]
    return shifted.reshape(*scores.shape[:-2], queries, columns - 1)


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
        attention_mask: The bias, far below every score where a query may not look [batch, heads, queries, keys].
        scaling: 1 / √width.
        dropout: Share of the weights that is set to zero.

    Returns:
        Sums [batch, queries, heads, width] and weights [batch, heads, queries, keys].
    """
    scores = (query * scaling) @ key.transpose(-2, -1) + attention_mask
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
        self, hidden: Tensor, context: Tensor, positions: Tensor, mask: Tensor, *, weigh: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """The sub-layer's output [batch, queries, d_model], and where `weigh`, the attention's weights.

        Args:
            hidden: The segment [batch, queries, d_model].
            context: Memory and segment [batch, keys, d_model].
            positions: Encodings of the distances keys … 0 [keys + 1, d_model].
            mask: 0 where a query may look, else far below every score [batch or 1, 1, queries, keys].
            weigh: Whether to return the weights [batch, heads, queries, keys].
        """
        if not self.config.pre_lnorm:
            sums, weights = self._attend(hidden, context, positions, mask, weigh=weigh)
            return self.layer_norm(hidden + sums), weights
        sums, weights = self._attend(self.layer_norm(hidden), self.layer_norm(context), positions, mask, weigh=weigh)
        return hidden + sums, weights

    def _attend(
        self, hidden: Tensor, context: Tensor, positions: Tensor, mask: Tensor, *, weigh: bool
    ) -> tuple[Tensor, Tensor | None]:
        projected = self._projected(hidden, context, mask)
        distances = self._heads(self.r_net(positions)) * self.config.d_head**-0.5
        name = "eager" if weigh else self._implementation(projected.value)
        weights: Tensor | None = None
        is_traced = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()  # For any lengths.
        at_once = weigh or hidden.device.type != "cpu" or is_traced
        if name in IN_BLOCKS and not at_once:
            sums = in_blocks(lambda part, places: self._summed(name, part, places)[0], projected, distances)
        else:
            sums, weights = self._summed(name, projected, distances)
        return self.drop(self.o_net(sums.flatten(-2))), weights

    def _projected(self, hidden: Tensor, context: Tensor, mask: Tensor) -> Projected:
        """Queries with either bias, keys and values, cut into heads."""
        inner = self.o_net.in_features
        query_net, key_value_net = self.qkv_net.weight.split([inner, 2 * inner])
        query = self._heads(nn.functional.linear(hidden, query_net))
        key, value = map(self._heads, nn.functional.linear(context, key_value_net).chunk(2, dim=-1))
        # Under autocast the biases are in single precision still.
        content, place = ((query + bias.unsqueeze(-2)).to(value.dtype) for bias in (self.r_w_bias, self.r_r_bias))
        return Projected(content, place, key, value, mask.expand(hidden.shape[0], -1, -1, -1))

    def _summed(self, name: str, projected: Projected, distances: Tensor) -> tuple[Tensor, Tensor | None]:
        """Sums [batch, queries, heads, d_head] by the attention of that name; the second is eager attention's weights.

        Source: appendix B. All distances' scores are computed at once, then shifted to the keys that they belong to.
        """
        content, place, key, value, mask = projected
        bias = relative_shift(place @ distances.transpose(-2, -1)) + mask
        # Of a mask, transformers shows FlexAttention the first head's alone.
        given = {"attention_mask": None, "position_bias": bias} if name == FLEX else {"attention_mask": bias}
        return ALL_ATTENTION_FUNCTIONS.get_interface(name, eager_attention)(
            self,
            content,
            key,
            value,
            **given,
            scaling=self.config.d_head**-0.5,
            dropout=self.config.dropatt if self.training else 0.0,
        )

    def _implementation(self, value: Tensor) -> str:
        """The configured attention's name."""
        name: str = self.config._attn_implementation
        on_cpu = value.device.type == "cpu"
        return "eager" if name == "sdpa" and on_cpu and value.dtype in PLAIN_ON_A_CPU else name

    def _heads(self, projected: Tensor) -> Tensor:
        """[..., length, heads x d_head] cut into heads [..., heads, length, d_head]."""
        # Not `unflatten`, which ONNX writes with the lengths of the example that it was traced with.
        return projected.reshape(*projected.shape[:-1], -1, self.config.d_head).transpose(-3, -2)
