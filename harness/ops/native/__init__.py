"""Operators for CPUs that plain torch has not, or has slowly: attention over sequences laid end to end, and dropout.

Kernels in C++ (`kernels/`) are compiled at first use where a compiler is; otherwise the same numbers come from plain
torch (`_plain.py`), more slowly. Which elements are dropped depends on torch's CPU generator alone, of which each call
draws one number: not on the number of threads, nor on whether the kernels are there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.ops.native import _plain
from harness.ops.native._library import unavailable

__all__ = ["attention", "dropout", "dropout_add_norm", "serves", "unavailable"]

_TYPES = (torch.float32, torch.bfloat16)


def serves(device: torch.device) -> bool:
    """Whether the kernels compute on the device; the first call compiles them, where that is possible."""
    return device.type == "cpu" and unavailable() is None


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    boundaries: Tensor,
    *,
    scaling: float,
    dropout: float = 0.0,
    query_boundaries: Tensor | None = None,
    reach: int | None = None,
    causal: bool = False,
) -> Tensor:
    """Weighted sums of values [queries, heads, width], contiguous, in the query's type; sequences do not mix.

    The softmax and all sums are made in 32 bits. Memory grows with the tokens, not with their square.
    A query without keys gets zeros. Autocast changes nothing: the types are the arguments' own.

    Args:
        query: [queries, heads, width], float32 or bfloat16; read in place where a head's numbers are adjacent.
        key: [tokens, heads, width], of the same type.
        value: [tokens, heads, width], of the same type.
        boundaries: Where sequences begin and the last one ends, int32 [sequences + 1], from 0 to `tokens`.
        scaling: Of the scores, before the softmax.
        dropout: Share of the weights that is dropped; 0 outside training.
        query_boundaries: The same for queries, where a sequence has other queries than keys; None: `boundaries`.
        reach: How many keys a query sees on each side of its own place in the sequence; None: all. Time grows with it
            then, and not with the square of a sequence's length.
        causal: Whether a query sees no key behind its own place, whatever its reach.

    Raises:
        ValueError: `dropout` is not in [0, 1), shapes differ, or boundaries do not cover the tokens.
    """
    of_queries = boundaries if query_boundaries is None else query_boundaries
    _check(dropout)
    if query.dim() != 3 or key.shape != value.shape or query.shape[1:] != key.shape[1:]:
        raise ValueError(f"attention: shapes {[*query.shape]}, {[*key.shape]}, {[*value.shape]} do not fit together")
    if len(of_queries) != len(boundaries):
        raise ValueError(
            f"boundaries: must be as many for queries as for keys (got {len(of_queries)} and {len(boundaries)})"
        )
    far = -1 if reach is None else reach
    limit = torch.tensor([far, 0 if causal else far], dtype=torch.int32)
    given, options = (query, key, value, of_queries, boundaries, limit), (scaling, dropout, _seed(dropout))
    if _has_kernels(query, key, value) and query.dtype == key.dtype == value.dtype:
        sums: Tensor = _kernels().attention(given, *options)
        return sums
    return _plain.attention(*given, *options)


def dropout_add_norm(
    hidden: Tensor, residual: Tensor, weight: Tensor, bias: Tensor, *, epsilon: float, dropout: float = 0.0
) -> Tensor:
    """LayerNorm(residual + dropout(hidden)), of the shape of both and the wider of their types; sums in 32 bits.

    Args:
        hidden: [..., width], float32 or bfloat16.
        residual: [..., width], float32 or bfloat16; under autocast, hidden states are often 16 bits and this is not.
        weight: Of the norm [width].
        bias: Of the norm [width].
        epsilon: Of the norm.
        dropout: Share that is dropped; 0 outside training.

    Raises:
        ValueError: `dropout` is not in [0, 1), or shapes differ.
    """
    _check(dropout)
    fitting = hidden.shape == residual.shape and weight.shape == bias.shape == hidden.shape[-1:]
    if not fitting or not weight.numel():
        raise ValueError(f"dropout_add_norm: {[*hidden.shape]}, {[*residual.shape]}, {[*weight.shape]} do not fit")
    given, options = (hidden, residual, weight, bias), (epsilon, dropout, _seed(dropout))
    if _has_kernels(*given):
        normal: Tensor = _kernels().dropout_add_norm(given, *options)
        return normal
    return _plain.dropout_add_norm(*given, *options)


def dropout(hidden: Tensor, p: float) -> Tensor:
    """Hidden states of which the share `p` is nought and the rest multiplied by 1 / (1 - p).

    Raises:
        ValueError: `p` is not in [0, 1).
    """
    _check(p)
    if not p:
        return hidden
    seed = _seed(p)
    if _has_kernels(hidden):
        dropped: Tensor = _kernels().dropout([hidden], 0.0, p, seed)
        return dropped
    return _plain.dropout(hidden, p, seed)


def _kernels() -> Any:
    return torch.ops.harness_native


def _has_kernels(*tensors: Tensor) -> bool:
    return all(tensor.dtype in _TYPES and serves(tensor.device) for tensor in tensors)


def _seed(dropout: float) -> int:
    """One number of torch's CPU generator, so that a restored generator gives the same masks again."""
    return int(torch.randint(2**62, ())) if dropout else 0


def _check(dropout: float) -> None:
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout: must be at least 0 and below 1 (got {dropout})")
