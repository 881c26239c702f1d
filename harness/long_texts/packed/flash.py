"""Packed attention with the kernels of flash-attention, on GPUs with that library.

Written according to its documentation (Dao 2023, "FlashAttention-2"); it has not been run on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor

from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.long_texts.packed.plain import plain_attention


def serves(query: Tensor) -> bool:
    """Whether the kernels are installed and support this device and type."""
    return query.is_cuda and query.dtype in (torch.float16, torch.bfloat16) and _kernel() is not None


def flash_attention(
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
    """Implement `packed_attention`."""
    kernel = _kernel()
    assert kernel is not None
    queries, keys, values = (states[0].transpose(0, 1) for states in (query, key, value))
    longest = max(boundaries.lengths)
    one_each = asking is None and query.shape[2] == len(boundaries.lengths)
    of_queries = boundaries if asking is None else asking
    starts = boundaries.text_starts if one_each else of_queries.starts
    if reach is not None and one_each:  # The kernel assumes that a single query is a text's last token.
        return plain_attention(
            query, key, value, boundaries, scaling=scaling, dropout=dropout, reach=reach, causal=causal
        )
    sums = kernel(
        queries,
        keys,
        values,
        cu_seqlens_q=starts,
        cu_seqlens_k=boundaries.starts,
        max_seqlen_q=1 if one_each else max(of_queries.lengths),
        max_seqlen_k=longest,
        dropout_p=dropout,
        softmax_scale=scaling,
        causal=causal,
        window_size=(-1, -1) if reach is None else (reach, reach),
    )
    return sums[None]


@cache
def _kernel() -> Callable[..., Tensor] | None:
    return import_module("flash_attn").flash_attn_varlen_func if find_spec("flash_attn") else None
