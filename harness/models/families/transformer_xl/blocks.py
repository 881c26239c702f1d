"""Compute attention in blocks whose scores fit into a CPU's cache.

The scores of a batch [texts, heads, queries, keys] are by far the largest tensors of a layer, and every operation on
them in main memory takes as long as a matrix product. `benchmarks/README.md` shows the speed-up by blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

# Scores per thread: with fewer, overhead exceeds the gain. Both values were found by measurement.
SCORES_AT_LEAST = 2**19
QUERIES_AT_MOST = 256


class Projected(NamedTuple):
    """Inputs of attention.

    Attributes:
        content: Queries plus u, to compare with keys [texts, heads, queries, width].
        place: Queries plus v, to compare with distances [texts, heads, queries, width].
        key: Keys [texts, heads, keys, width].
        value: Values [texts, heads, keys, width].
        mask: 0 for visible keys, far below every score for others [texts, 1, queries, keys].
    """

    content: Tensor
    place: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor


def in_blocks(attend: Callable[[Projected, Tensor], Tensor], projected: Projected, distances: Tensor) -> Tensor:
    """Apply `attend` to a few texts and queries at a time, and return all outputs [texts, queries, heads, width].

    Args:
        attend: Computes attention from its inputs and `distances`.
        projected: The inputs of all texts and queries.
        distances: The projected distances keys … 0 [heads, keys + 1, width].
    """
    _, heads, queries, keys = (*projected.content.shape[:3], projected.key.shape[2])
    texts = -(-SCORES_AT_LEAST * torch.get_num_threads() // (heads * queries * keys))
    parts = zip(*(tensor.split(texts) for tensor in projected), strict=True)
    return torch.cat([_by_queries(attend, Projected(*part), distances) for part in parts])


def _by_queries(attend: Callable[[Projected, Tensor], Tensor], projected: Projected, distances: Tensor) -> Tensor:
    """Split queries: a later part of a segment attends like a segment with a longer memory, without what follows it."""
    content, place, key, value, mask = projected
    queries, keys = mask.shape[-2:]
    sums = []
    for start in range(0, queries, QUERIES_AT_MOST):
        stop = min(start + QUERIES_AT_MOST, queries)
        seen, block = keys - queries + stop, slice(start, stop)
        part = Projected(
            content[:, :, block], place[:, :, block], key[:, :, :seen], value[:, :, :seen], mask[:, :, block, :seen]
        )
        sums.append(attend(part, distances[:, -seen - 1 :]))
    return torch.cat(sums, dim=1)
