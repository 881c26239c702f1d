"""ModernBERT: Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder".

Two of three layers use local attention. The model itself passes the window size to packed attention.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from transformers.models.modernbert.modeling_modernbert import ModernBertForMultipleChoice, apply_rotary_pos_emb

from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.packing import Packing, Replaced, attention_of, counted_positions


def selected_token_layer(
    layer: Any,
    hidden: Tensor,
    tokens: Tensor,
    *_: Any,
    attention_mask: None = None,
    position_embeddings: tuple[Tensor, Tensor],
    **options: Any,
) -> Tensor:
    """Compute a `ModernBertEncoderLayer` for selected tokens; arguments as in `selected_token_bert_layer`."""
    attention = layer.attn
    states = attention.Wqkv(layer.attn_norm(hidden)).unflatten(-1, (3, -1, attention.head_dim))
    query, key, value = (part.transpose(1, 2) for part in states.unbind(-3))
    query, key = apply_rotary_pos_emb(query, key, *position_embeddings)
    sums, _unused = attention_of(attention.config)(
        attention,
        query[:, :, tokens],
        key,
        value,
        attention_mask,
        dropout=attention.attention_dropout if attention.training else 0.0,
        scaling=attention.head_dim**-0.5,
        sliding_window=attention.sliding_window,
        **options,
    )
    chosen = hidden[:, tokens] + attention.out_drop(attention.Wo(sums.flatten(-2)))
    return chosen + layer.mlp(layer.mlp_norm(chosen))


def averaged(model: Any) -> Any | None:
    """Return the norm after the layers, if the classifier uses the mean over a text."""
    return model.base_model.final_norm if model.config.classifier_pooling == "mean" else None


def replaced(model: Any, boundaries: Any) -> Iterable[Replaced]:
    """Replace functions of a multiple-choice model with mean pooling, which requires an attention mask.

    The mean is computed before, so that each text is one token; the mask of these is not for the encoder.
    """
    if averaged(model) is None or not isinstance(model, ModernBertForMultipleChoice):
        return
    encode, score, texts = model.base_model.forward, model.forward, len(boundaries.lengths)
    mask = torch.ones(texts, 1, dtype=torch.long, device=boundaries.device)
    yield Replaced(model.base_model, "forward", lambda **inputs: encode(**{**inputs, "attention_mask": None}))
    yield Replaced(model, "forward", lambda **inputs: score(**inputs, attention_mask=mask))


MODEL_TYPES = ("modernbert",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={**SMALL_ENCODER, "intermediate_size": 384, "max_position_embeddings": 8192},
    packing=Packing(
        lambda model: model.base_model.layers,
        selected_token_layer,
        counted_positions,
        averaged=averaged,
        replaced=replaced,
    ),
)
