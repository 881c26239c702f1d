"""The same operators in plain torch: used if the kernels are not available, and as the reference in their tests.

Masks are drawn by the same rule as in the kernels (`kernels/random.h`), so that both give the same numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

_LOW_32 = 0xFFFFFFFF
_CHUNK = 1024


def keep(seed: int, rows: Tensor, columns: int, *, dropout: float) -> Tensor:
    """Return which elements to keep, as booleans [*rows, columns]. Each row has a random stream of its own.

    Source: Steele et al. 2014, "Fast splittable pseudorandom number generators", for the rows' keys (splitmix64).

    Args:
        seed: The seed of the call.
        rows: Indices of the rows, int64 of any shape.
        columns: Number of elements in a row.
        dropout: Share of elements to drop.
    """
    keys = _splitmix(seed, rows).unsqueeze(-1)
    low, high = keys & _LOW_32, (keys >> 32) & _LOW_32
    value = (torch.arange(columns, device=rows.device) * 0x9E3779B9 + low) & _LOW_32
    value = ((value ^ (value >> 16)) * 0x7FEB352D) & _LOW_32
    value ^= high
    value = ((value ^ (value >> 15)) * 0x846CA68B) & _LOW_32
    value ^= value >> 16
    return value >= round(dropout * 2**32)


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_boundaries: Tensor,
    key_boundaries: Tensor,
    reach: Tensor,
    scaling: float,
    dropout: float,
    seed: int,
) -> Tensor:
    """Compute attention within each sequence [queries, heads, width].

    `reach` [2] is how far a query sees before and after its own position; negative for no limit.
    """
    heads = torch.arange(query.shape[1], device=query.device)
    limits: list[int] = reach.tolist()
    queries, keys = _rising(query_boundaries, len(query)), _rising(key_boundaries, len(key))
    sums = []
    for i in range(len(queries) - 1):
        of_queries, of_keys = slice(queries[i], queries[i + 1]), slice(keys[i], keys[i + 1])
        with torch.autocast(query.device.type, enabled=False):
            scores = torch.einsum("qhw,khw->hqk", _wide(query[of_queries]) * scaling, _wide(key[of_keys]))
            if max(limits) >= 0:
                apart = torch.arange(scores.shape[1])[:, None] - torch.arange(scores.shape[2])
                for far, most in zip((apart, -apart), limits, strict=True):
                    if most >= 0:
                        scores = scores.masked_fill((far > most).to(scores.device), -torch.inf)
            weights = scores.softmax(-1)
            if dropout:
                rows = torch.arange(queries[i], queries[i + 1], device=query.device) * len(heads) + heads[:, None]
                weights = weights * keep(seed, rows, scores.shape[-1], dropout=dropout) / (1 - dropout)
            sums.append(torch.einsum("hqk,khw->qhw", weights, _wide(value[of_keys])))
    return torch.cat(sums).to(query.dtype) if sums else torch.zeros_like(query)


def dropout_add_norm(
    hidden: Tensor, residual: Tensor, weight: Tensor, bias: Tensor, epsilon: float, dropout: float, seed: int
) -> Tensor:
    """Compute LayerNorm(residual + dropout(hidden)) [..., width] in 32 bits."""
    dropped = _wide(hidden)
    if dropout:
        rows = torch.arange(hidden.shape[:-1].numel(), device=hidden.device).view(hidden.shape[:-1])
        dropped = dropped * keep(seed, rows, hidden.shape[-1], dropout=dropout) / (1 - dropout)
    normal = layer_norm(_wide(residual) + dropped, weight.shape, _wide(weight), _wide(bias), epsilon)
    return normal.to(torch.promote_types(hidden.dtype, residual.dtype))


def dropout(hidden: Tensor, dropout: float, seed: int) -> Tensor:
    """Set a share of hidden states [...] to zero and scale up the rest."""
    rows = torch.arange(-(-hidden.numel() // _CHUNK), device=hidden.device)
    kept = keep(seed, rows, _CHUNK, dropout=dropout).flatten()[: hidden.numel()].view(hidden.shape)
    return (_wide(hidden) * kept / (1 - dropout)).to(hidden.dtype)


def _rising(boundaries: Tensor, tokens: int) -> list[int]:
    places: list[int] = boundaries.tolist()
    if not places or places[0] != 0 or places[-1] != tokens or places != sorted(places):
        raise ValueError(f"boundaries: must rise from 0 to {tokens} (got {places})")
    return places


def _splitmix(seed: int, rows: Tensor) -> Tensor:
    """Return one 64-bit key per row. int64 arithmetic wraps like unsigned arithmetic, but shifts have to be adapted."""
    key = seed + (rows + 1) * _signed(0x9E3779B97F4A7C15)
    key = (key ^ _shifted(key, 30)) * _signed(0xBF58476D1CE4E5B9)
    key = (key ^ _shifted(key, 27)) * _signed(0x94D049BB133111EB)
    return key ^ _shifted(key, 31)


def _shifted(key: Tensor, places: int) -> Tensor:
    return (key >> places) & ((1 << (64 - places)) - 1)


def _signed(constant: int) -> int:
    return constant - 2**64


def _wide(tensor: Tensor) -> Tensor:
    """Convert to at least 32 bits, in which sums of 16-bit numbers are computed."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
