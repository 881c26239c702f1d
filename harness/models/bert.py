"""BERT: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"."""

from __future__ import annotations

from harness.models._packing import Packing, counted_positions, short_bert_layer
from harness.models._stock import StockFamily

family = StockFamily(
    model_types=("bert",),
    architecture={
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "max_position_embeddings": 512,
    },
    packing=Packing(lambda model: model.base_model.encoder.layer, short_bert_layer, counted_positions),
)
