"""ALBERT: Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations".

Layers share their weights (section 3.1): one or a few modules are called several times.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.packing import Packing, attention_sums, counted_positions


def layers(model: Any) -> list[Any]:
    """Return the layer modules, each of which may be called several times."""
    return [layer for group in model.base_model.encoder.albert_layer_groups for layer in group.albert_layers]


def last_calls(model: Any) -> int:
    """Return how often the last group of layers is called, by the rule of `AlbertTransformer`."""
    count, groups = model.config.num_hidden_layers, model.config.num_hidden_groups
    return sum(int(layer / (count / groups)) == groups - 1 for layer in range(count))


def selected_token_layer(layer: Any, hidden: Tensor, tokens: Tensor, *_: Any, **options: Any) -> Tensor:
    """Compute an `AlbertLayer` for selected tokens only; arguments as in `selected_token_bert_layer`."""
    attention, chosen = layer.attention, hidden[:, tokens]
    maps = (attention.query, attention.key, attention.value)
    sums = attention_sums(attention, maps, attention.attention_dropout, chosen, hidden, **options)
    chosen = attention.LayerNorm(chosen + attention.output_dropout(attention.dense(sums)))
    states: Tensor = layer.full_layer_layer_norm(layer.ff_chunk(chosen) + chosen)
    return states


MODEL_TYPES = ("albert",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={"embedding_size": 128, **SMALL_ENCODER, "max_position_embeddings": 512},
    packing=Packing(layers, selected_token_layer, counted_positions, last_calls=last_calls),
)
