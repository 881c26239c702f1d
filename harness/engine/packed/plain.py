"""Packed attention in plain torch: what runs everywhere, and what other implementations are tested against."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from harness.engine.fast_dropout import dropped
from harness.engine.packed.boundaries import Boundaries


def plain_attention(
    query: Tensor, key: Tensor, value: Tensor, boundaries: Boundaries, *, scaling: float, dropout: float
) -> Tensor:
    """As `packed_attention`, by blocks of texts of nearly the same length."""
    one_each = query.shape[2] == len(boundaries.lengths)
    queries, keys, values = (states[0].transpose(0, 1) for states in (query, key, value))
    found = []
    for block in boundaries.blocks:
        asking = block.texts[:, None] if one_each else block.tokens
        sums = block_attention(
            _taken(queries, asking),
            _taken(keys, block.tokens),
            _taken(values, block.tokens),
            mask=block.mask,
            scaling=scaling,
            dropout=dropout,
        )
        found.append(sums.transpose(1, 2).flatten(0, 1))
    places = boundaries.text_places if one_each else boundaries.places
    return torch.cat(found).index_select(0, places)[None]


def _taken(states: Tensor, places: Tensor) -> Tensor:
    """[total, heads, width] at places [texts, length], as attention wants it [texts, heads, length, width]."""
    return states.index_select(0, places.flatten()).unflatten(0, places.shape).transpose(1, 2)


def block_attention(
    query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None, scaling: float, dropout: float
) -> Tensor:
    """softmax(scaling · Q Kᵀ + mask) V of texts side by side [texts, heads, queries, width]."""
    if query.device.type != "cpu":
        mask = None if mask is None else mask.to(query.dtype)
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    # On processors, torch's own function takes the slow path where there is dropout, and always in bf16.
    scores = query * scaling @ key.transpose(-1, -2)
    if mask is not None:
        scores = scores + mask.to(scores.dtype)
    return dropped(scores.softmax(-1), dropout) @ value
