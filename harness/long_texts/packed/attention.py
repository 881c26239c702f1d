"""Attention over texts laid end to end: the one place that chooses who computes it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from harness.long_texts.packed import flash, torch_kernels
from harness.long_texts.packed.boundaries import SequenceBoundaries
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
) -> Tensor:
    """Each head's sums [1, queries, heads, width], where a text attends to itself alone.

    Args:
        query: [1, heads, total, width], or a query a text [1, heads, texts, width], of its first token.
        key: [1, heads, total, width].
        value: [1, heads, total, width].
        boundaries: Of the texts.
        scaling: Of the scores.
        dropout: Share of the weights that is set to zero.
        reach: How many tokens a token sees on each side; None: all.
        bias: What is added to the scores.
    """
    known = {"scaling": scaling, "dropout": dropout}
    if reach is not None and reach >= max(boundaries.lengths) - 1:
        reach = None
    if bias is not None:
        return plain_attention(query, key, value, boundaries, reach=reach, bias=bias, **known)
    if flash.serves(query):
        return flash.flash_attention(query, key, value, boundaries, reach=reach, **known)
    one_each = query.shape[2] == len(boundaries.lengths)
    kernel = torch_kernels.serving(query, dropout=dropout, reach=reach, one_each=one_each)
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
) -> Tensor:
    """As `packed_attention`, by our own compiled kernels."""
    queries, keys, values = (states[0].transpose(0, 1) for states in (query, key, value))
    asking = boundaries.text_starts if len(queries) == len(boundaries.lengths) else None
    sums = native.attention(
        queries,
        keys,
        values,
        boundaries.starts,
        scaling=scaling,
        dropout=dropout,
        query_boundaries=asking,
        reach=reach,
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
    boundaries: SequenceBoundaries | None = None,
    sliding_window: int | None = None,
    bias: Bias | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """The same, in the form that transformers' `AttentionInterface` asks of an implementation.

    A sliding window of n tokens reaches n - 1 of them on each side, as there. Restarted positions would not part the
    texts: without their boundaries they would mix unseen.
    """
    assert boundaries is not None, f"{type(module).__name__}: packed attention was called without the texts' boundaries"
    assert attention_mask is None, "packed texts have no padding to mask"
    reach = None if sliding_window is None else sliding_window - 1
    sums = packed_attention(query, key, value, boundaries, scaling=scaling, dropout=dropout, reach=reach, bias=bias)
    return sums, None


AttentionInterface.register(NAME, attend)
