"""Attention: Vaswani et al. 2017, "Attention Is All You Need", section 3.2."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from harness.models.families.scratch.configuration import ScratchConfig


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V, returned with the softmax's weights.

    Source: section 3.2.1, equation 1.

    Args:
        query: What each position looks for [..., queries, d_k].
        key: What each position offers [..., keys, d_k].
        value: What each position passes on [..., keys, d_v].
        mask: Added to the scores [..., queries, keys]: 0 for visible keys, very negative for hidden ones.
        dropout: Share of the weights to drop.

    Returns:
        The weighted sums of the values [..., queries, d_v] and the weights [..., queries, keys].
    """
    scores = query @ key.transpose(-2, -1) / key.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + mask
    weights = nn.functional.dropout(scores.softmax(dim=-1), dropout)
    return weights @ value, weights


def eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """The formula above as an implementation of transformers' `AttentionInterface`.

    Returns:
        The output of each head, with heads after positions [batch, queries, heads, d_v], and the weights.
    """
    sums, weights = scaled_dot_product_attention(query, key, value, mask=attention_mask, dropout=dropout)
    return sums.transpose(1, 2), weights


class MultiHeadAttention(nn.Module):
    """MultiHead(Q, K, V) = Concat(head_1, …, head_h) W^O, where head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V).

    Source: section 3.2.2. As in the paper, projections have no bias, and heads have width hidden_size / h. The heads'
    matrices W_i are concatenated, so that a single product computes all heads.
    """

    is_causal = False  # For transformers' attention functions: every position sees every other.

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.config = config
        self.head_size = width // config.num_attention_heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(
        self, hidden: Tensor, attention_mask: Tensor | None = None, **options: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Self-attention: queries, keys and values are all computed from `hidden` [batch, length, width].

        Args:
            hidden: The output of the layer below.
            attention_mask: The mask in the format of the chosen implementation, created by `ScratchModel`.
            **options: Passed on to the implementation.

        Returns:
            The shape of `hidden`, and the weights [batch, heads, length, length] if the implementation returns them.
        """
        query, key, value = (self._heads(project(hidden)) for project in (self.query, self.key, self.value))
        return self.combined(query, key, value, attention_mask, **options)

    def combined(
        self, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Compute the heads by the chosen implementation, and combine them by W^O."""
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, eager_attention)
        dropout = self.config.attention_probs_dropout_prob if self.training else 0.0
        scaling = self.head_size**-0.5
        sums, weights = attend(self, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options)
        return self.output(sums.reshape(*sums.shape[:-2], -1)), weights

    def _heads(self, projected: Tensor) -> Tensor:
        """Split [batch, length, width] into heads [batch, heads, length, head_size]."""
        # Not `unflatten`, for which ONNX export would fix the lengths of the traced example.
        return projected.reshape(*projected.shape[:-1], -1, self.head_size).transpose(1, 2)
