"""Operators for CPUs that are missing or slow in plain torch: attention over concatenated sequences, and dropout.

C++ kernels (`kernels/`) are compiled at first use if there is a compiler; otherwise plain torch (`_plain.py`) computes
the same numbers more slowly. Which elements are dropped depends only on torch's CPU generator, from which each call
draws one number: neither on the number of threads nor on whether the kernels are available.
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
    """Whether the kernels run on the device. The first call compiles them if possible."""
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
    """Compute attention within each sequence [queries, heads, width], contiguous, in the query's type.

    The softmax and all sums are computed in 32 bits. Memory is linear in the number of tokens. A query without keys
    gets zeros. Autocast has no effect: the types are those of the arguments.

    Args:
        query: Queries [queries, heads, width], float32 or bfloat16; read in place if each head is contiguous.
        key: Keys [tokens, heads, width], of the same type.
        value: Values [tokens, heads, width], of the same type.
        boundaries: Starts of the sequences and the end of the last, int32 [sequences + 1], from 0 to `tokens`.
        scaling: The factor of the scores, before the softmax.
        dropout: Share of the weights to drop; 0 outside training.
        query_boundaries: Boundaries of the queries, if they differ from those of the keys; None for `boundaries`.
        reach: Number of keys that a query sees on each side of its own position; None for all. Time is then linear in
            it, rather than quadratic in the length of a sequence.
        causal: Whether a query sees no key after its own position, whatever its reach.

    Raises:
        ValueError: If `dropout` is not in [0, 1), shapes differ, or boundaries do not cover the tokens.
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
    """Compute LayerNorm(residual + dropout(hidden)) in 32 bits, returned in the wider type of the two.

    Args:
        hidden: Hidden states [..., width], float32 or bfloat16.
        residual: The residual [..., width], float32 or bfloat16; under autocast often wider than the hidden states.
        weight: The weight of the norm [width].
        bias: The bias of the norm [width].
        epsilon: The epsilon of the norm.
        dropout: Share of elements to drop; 0 outside training.

    Raises:
        ValueError: If `dropout` is not in [0, 1), or shapes differ.
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
    """Set a share `p` of hidden states to zero and multiply the rest by 1 / (1 - p).

    Raises:
        ValueError: If `p` is not in [0, 1).
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
    """Draw a seed from torch's CPU generator, so that a restored generator reproduces the masks."""
    return int(torch.randint(2**62, ())) if dropout else 0


def _check(dropout: float) -> None:
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout: must be at least 0 and below 1 (got {dropout})")
