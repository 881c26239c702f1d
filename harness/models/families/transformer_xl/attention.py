"""Attention with relative positions: Dai et al. 2019, section 3.3."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from harness.models.families.transformer_xl.blocks import Projected, in_blocks
from harness.models.families.transformer_xl.configuration import TransformerXLConfig

FLEX = "flex_attention"
# Implementations that work in blocks. For others it is unknown whether the shape of a block matters.
IN_BLOCKS = ("eager", "sdpa")
# SDPA's kernel takes 1.2 to 1.5 times as long as the plain products here (benchmarks/transformer_xl_attention.py).
PLAIN_ON_A_CPU = (torch.bfloat16,)
HALVES = (torch.bfloat16, torch.float16)


def inverse_frequencies(width: int) -> Tensor:
    """Return 10000^(-2i / width) for i = 0 … width / 2 - 1, in float32 [width / 2]."""
    return 1 / 10000 ** (torch.arange(0, width, 2, dtype=torch.float32) / width)


class PositionalEmbedding(nn.Module):
    """R: the sines of a distance, then its cosines.

    Source: section 3.3, after Vaswani et al. 2017, section 3.5, where sines and cosines alternate instead.
    """

    inv_freq: Tensor

    def __init__(self, config: TransformerXLConfig) -> None:
        super().__init__()
        self.clamp = config.clamp_len
        # A buffer, because published checkpoints contain it.
        self.register_buffer("inv_freq", inverse_frequencies(config.d_model))

    def forward(self, length: int) -> Tensor:
        """Return encodings of the distances length - 1 … 0, clamped to the maximum [length, d_model].

        They are computed in at least single precision: half precision has no numbers for distances above some hundreds.
        """
        frequencies = self.inv_freq
        if frequencies.dtype in HALVES:
            frequencies = inverse_frequencies(2 * len(frequencies)).to(frequencies.device)
        distances = torch.arange(length - 1, -1, -1, device=frequencies.device, dtype=frequencies.dtype)
        if self.clamp > 0:
            distances = distances.clamp(max=self.clamp)
        angles = distances.unsqueeze(-1) * frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def compute_frequencies(self) -> None:
        """Replace loaded frequencies, which a file in half precision has rounded."""
        self.inv_freq.copy_(inverse_frequencies(2 * len(self.inv_freq)))


def relative_shift(scores: Tensor) -> Tensor:
    """y[i, j] = x[i, j + queries - i]: from "query i at distance" to "query i at key j" [..., queries, keys].

    Source: appendix B. The same numbers are read in rows shorter by one, after skipping as many as there are queries,
    so that each row is shifted one further than the previous one. Nothing is copied. Keys after the query get
    meaningless values, which the mask hides.

    Args:
        scores: Scores [..., queries, keys + 1], with columns for the distances keys … 0; the first belongs to no key.
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
    """Compute softmax(Q Kᵀ · scaling + bias) V, and the weights, as a transformers `AttentionInterface`.

    Args:
        module: Unused.
        query: Queries [batch, heads, queries, width].
        key: Keys [batch, heads, keys, width].
        value: Values [batch, heads, keys, width].
        attention_mask: The bias, far below every score for hidden keys [batch, heads, queries, keys].
        scaling: 1 / √width.
        dropout: Share of the weights to drop.

    Returns:
        Outputs [batch, queries, heads, width] and weights [batch, heads, queries, keys].
    """
    scores = (query * scaling) @ key.transpose(-2, -1) + attention_mask
    weights = nn.functional.dropout(scores.softmax(dim=-1), dropout)
    return (weights @ value).transpose(1, 2), weights


class RelativeAttention(nn.Module):
    """Multi-head attention with relative positions.

    Source: section 3.3. The score of query i and key j is the sum of four terms, computed as two products:

        (E_i W_q + u) · (E_j W_k,E)   (a) and (c): by content          `r_w_bias` is u
        (E_i W_q + v) · (R_i-j W_k,R) (b) and (d): by distance         `r_r_bias` is v

    over √d_head. The second is added to the first as a bias, so that any attention with a float mask can be used.
    """

    is_causal = False  # For transformers' attention functions: causality is part of the mask.

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
        """Return the sub-layer's output [batch, queries, d_model] and, with `weigh`, the attention weights.

        Args:
            hidden: The segment [batch, queries, d_model].
            context: Memory and segment [batch, keys, d_model].
            positions: Encodings of the distances keys … 0 [keys + 1, d_model].
            mask: 0 for visible keys, far below every score for others [batch or 1, 1, queries, keys].
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
        is_traced = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()  # Must work for any length.
        at_once = weigh or hidden.device.type != "cpu" or is_traced
        if name in IN_BLOCKS and not at_once:
            sums = in_blocks(lambda part, places: self._summed(name, part, places)[0], projected, distances)
        else:
            sums, weights = self._summed(name, projected, distances)
        return self.drop(self.o_net(sums.flatten(-2))), weights

    def _projected(self, hidden: Tensor, context: Tensor, mask: Tensor) -> Projected:
        """Return queries with either bias, keys and values, split into heads."""
        inner = self.o_net.in_features
        query_net, key_value_net = self.qkv_net.weight.split([inner, 2 * inner])
        query = self._heads(nn.functional.linear(hidden, query_net))
        key, value = map(self._heads, nn.functional.linear(context, key_value_net).chunk(2, dim=-1))
        # Under autocast, the biases are still in single precision.
        content, place = ((query + bias.unsqueeze(-2)).to(value.dtype) for bias in (self.r_w_bias, self.r_r_bias))
        return Projected(content, place, key, value, mask.expand(hidden.shape[0], -1, -1, -1))

    def _summed(self, name: str, projected: Projected, distances: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute attention [batch, queries, heads, d_head] with an implementation; weights only if it is eager.

        Source: appendix B. Scores of all distances are computed at once, then shifted to their keys.
        """
        content, place, key, value, mask = projected
        bias = relative_shift(place @ distances.transpose(-2, -1)) + mask
        # transformers passes only the first head of a mask to FlexAttention.
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
        """Return the name of the attention implementation."""
        name: str = self.config._attn_implementation
        on_cpu = value.device.type == "cpu"
        return "eager" if name == "sdpa" and on_cpu and value.dtype in PLAIN_ON_A_CPU else name

    def _heads(self, projected: Tensor) -> Tensor:
        """Split [..., length, heads x d_head] into heads [..., heads, length, d_head]."""
        # Not `unflatten`, for which ONNX export would fix the lengths of the traced example.
        return projected.reshape(*projected.shape[:-1], -1, self.config.d_head).transpose(-3, -2)
