"""RoBERTa: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach"; XLM-RoBERTa too."""

from __future__ import annotations

from harness.models.encoder_decoder import WARM_START
from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.language_head import Language, losses_by
from harness.models.local_attention import local_attention_heads
from harness.models.packing import (
    Packing,
    pairs_of_two_encoders,
    positions_after_padding,
    selected_token_bert_layer,
)

MODEL_TYPES = ("roberta", "xlm-roberta", "camembert")

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={**SMALL_ENCODER, "max_position_embeddings": 514, "type_vocab_size": 1},
    packing=Packing(
        lambda model: model.base_model.encoder.layer,
        selected_token_bert_layer,
        positions_after_padding,
        pairs=pairs_of_two_encoders,
    ),
    language=Language(
        "AutoModelForMaskedLM",
        causal=False,
        word_losses=losses_by(lambda model, states: model.lm_head(states)),
        local_attention_heads=local_attention_heads,
    ),
    encoder_decoder=WARM_START,
)
