"""Packing: concatenated texts without padding. Not part of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from harness.models.families.scratch.encoder import EncoderLayer
from harness.models.packing import Packing, counted_positions


def selected_token_layer(layer: EncoderLayer, hidden: Tensor, tokens: Tensor, *_: Any, **options: Any) -> Tensor:
    """Compute an `EncoderLayer` for selected tokens only; arguments as in `selected_token_bert_layer`."""
    attention, chosen = layer.attention, hidden[:, tokens]
    inner = layer.attention_norm(hidden) if layer.norm_first else hidden
    query = attention._heads(attention.query(inner[:, tokens]))
    key, value = (attention._heads(project(inner)) for project in (attention.key, attention.value))
    chosen = chosen + layer.dropout(attention.combined(query, key, value, None, **options)[0])
    if not layer.norm_first:
        chosen = layer.attention_norm(chosen)
    return layer.with_residual(chosen, layer.feed_forward, layer.feed_forward_norm)


def pairs(model: Any, memory: Tensor, read: Mapping[str, Tensor], boundaries: Any) -> Tensor:
    """Implement `Packing.pairs`."""
    scores: Tensor = model(encoder_outputs=(memory,), **read, boundaries=boundaries).logits
    return scores


packing = Packing(lambda model: model.base_model.layers, selected_token_layer, counted_positions, pairs=pairs)
