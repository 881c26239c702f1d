"""Attention a block at a time, so that on a CPU a block's scores stay in the processor's cache.

The scores of a batch [texts, heads, queries, keys] are by far the largest tensors of a layer, and every step over them
that goes through main memory costs as much time as a matrix product. `benchmarks/README.md` has what blocks give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

# For each thread. With fewer, calls cost more than the cache saves; what is best was measured, as the queries were.
SCORES_AT_LEAST = 2**19
QUERIES_AT_MOST = 256


class Projected(NamedTuple):
    """What attention is computed from.

    Attributes:
        content: Queries plus u, to be held against keys [texts, heads, queries, width].
        place: Queries plus v, to be held against distances [texts, heads, queries, width].
        key: [texts, heads, keys, width].
        value: [texts, heads, keys, width].
        mask: 0 where a query may look, else far below every score [texts, 1, queries, keys].
    """

    content: Tensor
    place: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor


def in_blocks(attend: Callable[[Projected, Tensor], Tensor], projected: Projected, distances: Tensor) -> Tensor:
    """What `attend` gives for everything [texts, queries, heads, width], computed for few texts and queries at a time.

    Args:
        attend: Attention, from what it is computed from and `distances`.
        projected: All texts' all queries.
        distances: The distances keys … 0, projected [heads, keys + 1, width].
    """
    _, heads, queries, keys = (*projected.content.shape[:3], projected.key.shape[2])
    texts = -(-SCORES_AT_LEAST * torch.get_num_threads() // (heads * queries * keys))
    parts = zip(*(tensor.split(texts) for tensor in projected), strict=True)
    return torch.cat([_by_queries(attend, Projected(*part), distances) for part in parts])


def _by_queries(attend: Callable[[Projected, Tensor], Tensor], projected: Projected, distances: Tensor) -> Tensor:
    """A segment's later part attends as a segment that has a longer memory; what comes after it is left out."""
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
