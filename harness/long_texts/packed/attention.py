"""Attention over concatenated texts, and the choice of its implementation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from harness.long_texts.packed import flash, torch_kernels
from harness.long_texts.packed.boundaries import PairBoundaries, SequenceBoundaries
from harness.long_texts.packed.plain import Bias, plain_attention
from harness.ops import native

NAME = "harness_packed"
KERNEL_TYPES = (torch.float32, torch.bfloat16)


def packed_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: SequenceBoundaries,
    *,
    scaling: float,
    dropout: float,
    reach: int | None = None,
    bias: Bias | None = None,
    causal: bool = False,
    asking: SequenceBoundaries | None = None,
) -> Tensor:
    """Compute attention [1, queries, heads, width], where each text attends only to itself or its counterpart.

    Args:
        query: Queries [1, heads, total, width], or one per text [1, heads, texts, width], of its first token.
        key: Keys [1, heads, total, width].
        value: Values [1, heads, total, width].
        boundaries: Boundaries of the texts.
        scaling: The factor of the scores.
        dropout: Share of the weights to drop.
        reach: Number of tokens that a token sees on each side; None for all.
        bias: Computes what is added to the scores.
        causal: Whether tokens do not see later ones.
        asking: Boundaries of the queries, if they belong to other texts than the keys; in the same groups.
    """
    of_pairs = {"causal": causal, "asking": asking} if causal or asking is not None else {}
    known: dict[str, Any] = {"scaling": scaling, "dropout": dropout, **of_pairs}
    if reach is not None and reach >= max(boundaries.lengths) - 1:
        reach = None
    if bias is not None:
        return plain_attention(query, key, value, boundaries, reach=reach, bias=bias, **known)
    if flash.serves(query):
        return flash.flash_attention(query, key, value, boundaries, reach=reach, **known)
    one_each = query.shape[2] == len(boundaries.lengths)
    kernel = None if of_pairs else torch_kernels.serving(query, dropout=dropout, reach=reach, one_each=one_each)
    if kernel is not None:
        return kernel(query, key, value, boundaries, reach=reach, **known)
    compute = native_attention if query.dtype in KERNEL_TYPES and native.serves(query.device) else plain_attention
    return compute(query, key, value, boundaries, reach=reach, **known)


def native_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: SequenceBoundaries,
    *,
    scaling: float,
    dropout: float,
    reach: int | None = None,
    causal: bool = False,
    asking: SequenceBoundaries | None = None,
) -> Tensor:
    """Implement `packed_attention` with our own compiled kernels."""
    queries, keys, values = (states[0].transpose(0, 1) for states in (query, key, value))
    one_each = boundaries.text_starts if len(queries) == len(boundaries.lengths) else None
    sums = native.attention(
        queries,
        keys,
        values,
        boundaries.starts,
        scaling=scaling,
        dropout=dropout,
        query_boundaries=one_each if asking is None else asking.starts,
        reach=reach,
        causal=causal,
    )
    return sums[None]


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    dropout: float = 0.0,
    boundaries: SequenceBoundaries | PairBoundaries | None = None,
    sliding_window: int | None = None,
    bias: Bias | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Implement transformers' `AttentionInterface`.

    A sliding window of n tokens reaches n - 1 of them on each side, as in transformers. Boundaries are required:
    restarted positions alone would not separate the texts, which would silently mix. With boundaries of pairs, the
    module is part of a decoder: targets use causal self-attention, and attend to their whole sources.
    """
    assert boundaries is not None, f"{type(module).__name__}: packed attention was called without the texts' boundaries"
    assert attention_mask is None, "packed texts have no padding to mask"
    reach = None if sliding_window is None else sliding_window - 1
    known: dict[str, Any] = {"scaling": scaling, "dropout": dropout, "reach": reach, "bias": bias}
    if isinstance(boundaries, SequenceBoundaries):
        return packed_attention(query, key, value, boundaries, **known), None
    if module.is_causal:
        return packed_attention(query, key, value, boundaries.written, causal=True, **known), None
    asking, asked = boundaries.across
    return packed_attention(query, key, value, asked, asking=asking, **known), None


AttentionInterface.register(NAME, attend)
