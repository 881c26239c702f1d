"""Packed attention in plain torch: runs everywhere, and is the reference for tests of other implementations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from harness.long_texts.packed.boundaries import SequenceBoundaries
from harness.ops.fast_dropout import fastest_dropped

Bias = Callable[[Tensor, Tensor], Tensor]
"""Computes what is added to the scores [texts or 1, heads, queries, length] of a block, from its queries and keys."""


def plain_attention(
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
    """Implement `packed_attention` by blocks of texts of similar length."""
    one_each = asking is None and query.shape[2] == len(boundaries.lengths)
    of_queries = boundaries if asking is None else asking
    asked = text_blocks(query, boundaries) if one_each else token_blocks(query, of_queries)
    offered = zip(token_blocks(key, boundaries), token_blocks(value, boundaries), strict=True)
    found = []
    for block, queries, (keys, values) in zip(boundaries.blocks, asked, offered, strict=True):
        hidden = (outside(reach, queries, keys), to_come(queries, keys) if causal else None)
        parts = (bias and bias(queries, keys), block.mask, *hidden)
        masks = [part for part in parts if part is not None]
        found.append(block_attention(queries, keys, values, masks=masks, scaling=scaling, dropout=dropout))
    sums = torch.cat([part.transpose(1, 2).flatten(0, 1) for part in found])
    places = boundaries.text_order.argsort() if one_each else of_queries.places
    return sums.index_select(0, places)[None]


def outside(reach: int | None, query: Tensor, key: Tensor) -> Tensor | None:
    """Return a mask [queries, length] with a very low score for keys out of reach, or None if all are in reach.

    It is finite, because padding, whose output is not used, may have nothing but padding in reach.
    """
    length = key.shape[2]
    if reach is None or reach >= length - 1:
        return None
    places = torch.arange(length, device=key.device)
    far = (places[: query.shape[2], None] - places).abs() > reach
    low = torch.finfo(query.dtype).min / 2
    return torch.zeros(far.shape, dtype=query.dtype, device=key.device).masked_fill(far, low)


def to_come(query: Tensor, key: Tensor) -> Tensor:
    """Return a mask [queries, length] with a very low score for keys after the query; finite as in `outside`."""
    low = torch.finfo(query.dtype).min / 2
    return torch.full((query.shape[2], key.shape[2]), low, dtype=query.dtype, device=query.device).triu(1)


def token_blocks(states: Tensor, boundaries: SequenceBoundaries) -> list[Tensor]:
    """Split [1, heads, total, width] into blocks [texts, heads, length, width]."""
    laid = states[0].transpose(0, 1).index_select(0, boundaries.order)
    shapes = [block.tokens.shape for block in boundaries.blocks]
    parts = laid.split([shape.numel() for shape in shapes])
    return [part.unflatten(0, shape).transpose(1, 2) for part, shape in zip(parts, shapes, strict=True)]


def text_blocks(states: Tensor, boundaries: SequenceBoundaries) -> list[Tensor]:
    """Split one query per text [1, heads, texts, width] into blocks [texts, heads, 1, width]."""
    laid = states[0].transpose(0, 1).index_select(0, boundaries.text_order)
    return [part[:, :, None] for part in laid.split([len(block.texts) for block in boundaries.blocks])]


def block_attention(
    query: Tensor, key: Tensor, value: Tensor, *, masks: Sequence[Tensor], scaling: float, dropout: float
) -> Tensor:
    """Compute softmax(scaling · Q Kᵀ + masks) V of a block [texts, heads, queries, width]; a mask may be a bias."""
    if query.device.type != "cpu":
        mask = sum(masks[1:], start=masks[0]).to(query.dtype) if masks else None
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    # On CPUs, torch's own function takes a slow path with dropout, and always in bf16.
    scores = query * scaling @ key.transpose(-1, -2)
    for mask in masks:  # Separately, as masks that are the same for all texts or heads are small.
        scores = scores.add_(mask.to(scores.dtype))
    return fastest_dropped(scores.softmax(-1), dropout) @ value
