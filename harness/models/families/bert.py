"""BERT: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from harness.models.encoder_decoder import WARM_START
from harness.models.family import SMALL_ENCODER, StockFamily
from harness.models.language_head import Language, losses_by
from harness.models.local_attention import local_attention_heads
from harness.models.packing import Packing, counted_positions, pairs_of_two_encoders, selected_token_bert_layer


def pair_scores(model: Any, first: Tensor) -> Tensor:
    """Compute next-sentence scores [texts, 2] from first states [texts, width]; Devlin et al. 2019, section 3.1."""
    scores: Tensor = model.cls.seq_relationship(model.bert.pooler(first[:, None]))
    return scores


MODEL_TYPES = ("bert",)

family = StockFamily(
    model_types=MODEL_TYPES,
    architecture={**SMALL_ENCODER, "max_position_embeddings": 512},
    packing=Packing(
        lambda model: model.base_model.encoder.layer,
        selected_token_bert_layer,
        counted_positions,
        pairs=pairs_of_two_encoders,
    ),
    language=Language(
        "AutoModelForPreTraining",
        causal=False,
        word_losses=losses_by(lambda model, states: model.cls.predictions(states)),
        pair_scores=pair_scores,
        local_attention_heads=local_attention_heads,
    ),
    encoder_decoder=WARM_START,
)
