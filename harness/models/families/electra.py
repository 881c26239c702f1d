"""ELECTRA: Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators"."""

from __future__ import annotations

from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.packing import Packing, counted_positions, selected_token_bert_layer

MODEL_TYPES = ("electra",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={"embedding_size": 128, **SMALL_ENCODER, "max_position_embeddings": 512},
    packing=Packing(lambda model: model.base_model.encoder.layer, selected_token_bert_layer, counted_positions),
)
