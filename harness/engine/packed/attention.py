"""Attention over texts laid end to end: the one place that chooses who computes it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface

from harness.engine.packed.boundaries import Boundaries
from harness.engine.packed.flash import flash_attention, serves
from harness.engine.packed.plain import plain_attention

NAME = "harness_packed"


def packed_attention(
    query: Tensor, key: Tensor, value: Tensor, boundaries: Boundaries, *, scaling: float, dropout: float
) -> Tensor:
    """Each head's sums [1, queries, heads, width], where a text attends to itself alone.

    Args:
        query: [1, heads, total, width], or a query a text [1, heads, texts, width].
        key: [1, heads, total, width].
        value: [1, heads, total, width].
        boundaries: Of the texts.
        scaling: Of the scores.
        dropout: Share of the weights that is set to zero.
    """
    compute = flash_attention if serves(query) else plain_attention
    return compute(query, key, value, boundaries, scaling=scaling, dropout=dropout)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    dropout: float = 0.0,
    boundaries: Boundaries | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """The same, in the form that transformers' `AttentionInterface` asks of an implementation.

    Restarted positions would not part the texts: without their boundaries they would mix unseen.
    """
    assert boundaries is not None, f"{type(module).__name__}: packed attention was called without the texts' boundaries"
    assert attention_mask is None, "packed texts have no padding to mask"
    return packed_attention(query, key, value, boundaries, scaling=scaling, dropout=dropout), None


AttentionInterface.register(NAME, attend)
