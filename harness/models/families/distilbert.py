"""DistilBERT: Sanh et al. 2019, "DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter"."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from harness.models.family import StockFamily
from harness.models.packing import Packing, attention_sums, counted_positions


def selected_token_layer(layer: Any, hidden: Tensor, tokens: Tensor, *_: Any, **options: Any) -> Tensor:
    """Compute a `TransformerBlock` for selected tokens only; arguments as in `selected_token_bert_layer`."""
    attention, chosen = layer.attention, hidden[:, tokens]
    maps = (attention.q_lin, attention.k_lin, attention.v_lin)
    sums = attention_sums(attention, maps, attention.dropout, chosen, hidden, **options)
    chosen = layer.sa_layer_norm(attention.out_lin(sums) + chosen)
    states: Tensor = layer.output_layer_norm(layer.ffn(chosen) + chosen)
    return states


MODEL_TYPES = ("distilbert",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={"dim": 256, "n_layers": 4, "n_heads": 4, "hidden_dim": 1024, "max_position_embeddings": 512},
    packing=Packing(lambda model: model.base_model.transformer.layer, selected_token_layer, counted_positions),
)
